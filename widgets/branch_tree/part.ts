/** What every part of the tree is given and gives. */

import type * as kit from "../kit/part";
import type { Key, Store } from "./store";

export { any } from "../kit/part";

export interface Context { store: Store; root: HTMLElement; signal: AbortSignal }
export type Part = kit.Part<Key>;
