/** The anywidget entry of the bar of a workbench: which panels are open, and how wide. */

import "./index.css";
import { bound } from "../kit/kernel/bind";
import type { State } from "./protocol";
import { KEYS, Store } from "./store";
import { mount } from "./view";

export default bound<State, Store>({
  keys: KEYS,
  open: (get, post) => new Store(get, post),
  changed: (store) => store.changed(),
  mount,
});
