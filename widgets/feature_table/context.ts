/** What every section of the table is given and gives. */

import type * as kit from "../kit/section";
import type { Key, Store } from "./store";

export { any } from "../kit/section";

export interface Context { store: Store; root: HTMLElement; signal: AbortSignal }
export type Section = kit.Section<Key>;
