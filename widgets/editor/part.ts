/** What every part of the editor is given and gives. */

import type * as kit from "../kit/part";
import type { Actions } from "./actions";
import type { Key, Store } from "./store";

export { any } from "../kit/part";

export type Context = kit.Context<Store, Actions>;
export type Part = kit.Part<Key>;
