/** What the steering panel knows of what Python sends: see `protocol.ts`. */

import type { Present } from "../kit/kernel/bind";
import type { State } from "./protocol";

/** These are never absent: `EMPTY` has them before Python says anything. */
type Given = "head" | "current" | "job";

/** The traits, decoded. */
export type Payload = {
  [K in keyof State]: State[K] extends DataView ? Uint32Array : K extends Given ? NonNullable<Present<State[K]>> : Present<State[K]>;
};
