/** What every section of the tree is given and gives. */

import type { CodePanel } from "../kit/controls/code";
import type * as kit from "../kit/section";
import type { Key, Store } from "./store";

export { any } from "../kit/section";

export interface Context { store: Store; code: CodePanel; root: HTMLElement; signal: AbortSignal }
export type Section = kit.Section<Key>;
