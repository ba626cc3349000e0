/** The anywidget entry of the patch grid. */

import "./index.css";
import { bound } from "../kit/kernel/bind";
import type { State } from "./protocol";
import { KEYS, Store } from "./store";
import { mount } from "./view";

export default bound<State, Store>({
  keys: KEYS,
  open: (get, post, save) => new Store(get, post, save),
  changed: (store, key) => store.changed(key),
  mount,
});
