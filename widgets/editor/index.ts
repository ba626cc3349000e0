/** The anywidget entry of the editor. */

import "./index.css";
import { bound } from "../kit/kernel/bind";
import { decode, decodeAll, KEYS } from "./payload";
import type { EditorPayload, State } from "./state";
import { Store } from "./store";
import { mount } from "./view";

export default bound<State, Store>({
  keys: KEYS,
  open(get, post, save) {
    const store = new Store(post, (lock) => save("scale_lock", lock ?? {}), { get: () => get("selected"), save: (selected) => save("selected", selected) });
    store.setPayload(decodeAll(get));
    return store;
  },
  changed(store, key, get) {
    store.requests.heard();
    store.setPayload({ [key]: decode(key, get(key)) } as Partial<EditorPayload>);
  },
  mount,
});
