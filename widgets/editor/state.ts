/** What the editor's view knows: the traits that Python sends (see `protocol.ts`), decoded, and what it asks for. */

import type { Present } from "../kit/kernel/bind";
import type { Request, State } from "./protocol";

export type * from "./protocol";
export type { BranchInfo, Comparison, EditInfo, Job, LatentChip, LatentControl, LatentStrip, MovedLatents, TraceDocument as EditorDocument } from "../kit/protocol";

/** These are never absent: `EMPTY` has them before Python says anything. */
type Given = "head" | "selection" | "job";
type Floats = "logprobs" | "shading_values" | "shading_low" | "shading_high" | "strip_values";
type Codes = "shading_certainty";

/**
 * The traits, decoded: typed arrays for bytes, null for what is absent. `shading_rows` holds the row of every token, NO_ROW
 * where it has none; the other numbers of the shading are one per row.
 */
export type EditorPayload = {
  [K in keyof State]: State[K] extends DataView ? (K extends Floats ? Float32Array : K extends Codes ? Uint8Array : Uint32Array)
    : K extends Given ? NonNullable<Present<State[K]>> : Present<State[K]>;
};

/** Requests about what is shown; the id of that document is added when one is sent. */
type About<R> = R extends { document: string } ? Omit<R, "document"> : never;
export type DocumentRequest = About<Request>;

/** What to measure, with all that Python would choose itself where it is left out. */
export type Wish = Required<Omit<Extract<DocumentRequest, { kind: "measure" }>, "kind">>;
