/** What every section of the panel is given and gives. */

import type * as kit from "../kit/section";
import type { Actions } from "./actions";
import type { Key, Store } from "./store";

export { any } from "../kit/section";

export type Context = kit.Context<Store, Actions>;
export type Section = kit.Section<Key>;
