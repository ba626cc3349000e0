/** The anywidget entry of the steering panel. */

import "./index.css";
import { bound } from "../kit/kernel/bind";
import { decode, decodeAll, KEYS } from "./payload";
import type { State } from "./protocol";
import type { Payload } from "./state";
import { Store } from "./store";
import { mount } from "./view";

export default bound<State, Store>({
  keys: KEYS,
  open(get, post, save) {
    const store = new Store(post);
    store.receive(decodeAll(get));
    store.share({ get: () => get("selected"), save: (selected) => save("selected", selected) });
    return store;
  },
  changed(store, key, get) {
    store.requests.heard();
    store.receive({ [key]: decode(key, get(key)) } as Partial<Payload>);
  },
  mount,
});
