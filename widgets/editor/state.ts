/**
 * What crosses between Python and the editor. `State` names the synced traits of
 * cotlens.widgets.editor.EditorView, one property each (a Python test compares them).
 * Character positions are UTF-16 code units of document.text; tokens are indices into the trace.
 */

import type { Change } from "../kit/diff";
import type { RoleSpan, Sentence } from "../kit/text";

export type Unit = "token" | "sentence";
export type Empty = Record<string, never>;

export interface Head { model: string; where: string; note: string }
export interface Loading { active: boolean; label: string; since: number }
export interface BranchInfo {
  id: string; parent: string | null; label: string; answer: string | null; p: number | null; current: boolean;
}

export interface EditInfo {
  kind: "truncate" | "replace" | "delete" | "insert";
  /** Characters at..end of this document hold the new text. */
  at: number; end: number; old: string; new: string;
  surprise: number | null; surprise_was: number | null; tokens: number;
}

export interface EditorDocument {
  id: string; text: string; roles: RoleSpan[]; n_tokens: number; sentences: Sentence[];
  edit: EditInfo | null; rewritten_from: number | null; finish: string; thought_closed: boolean; notes: string[];
}

export interface Measure {
  id: string; label: string; units: Unit[]; metrics: { id: string; label: string }[];
  available: boolean; reason: string | null; cost: string | null;
}

export interface Selection { measure: string | null; unit: Unit; metric: string | null }

export interface Shading {
  measure: string; unit: Unit; label: string; scale: number; scale_note: string; sign: string; zero: string;
  scale_unit: string; signed: boolean; spans: Unit; kind: "exact" | "sampled"; edit_type: string; complete: boolean; metric_words?: string;
}

export interface Strip { answers: string[]; positions: "tokens"; target: number | null; complete: boolean }

export interface AnswerChance { answer: string | null; p: number | null }
export interface Comparison {
  before: AnswerChance | null; after: AnswerChance | null;
  rows: { answer: string; before: number | null; after: number | null }[];
  diff: Change[]; surprise: number | null; surprise_was: number | null; warning: string | null; note?: string;
}

export type JobState = "idle" | "queued" | "running" | "done" | "cancelled" | "error";
export interface Job {
  id: string | number | null; state: JobState; label: string; done: number; total: number | null; eta: number | null;
  message: string | null; remedy: string | null;
}

export interface Stream { request_id: number; from: number; text: string }

/** The synced traits, as they arrive. Bytes arrive as DataView. */
export interface State {
  head: Head | Empty;
  loading: Loading | Empty;
  branches: BranchInfo[];
  document: EditorDocument | Empty;
  token_offsets: DataView;
  logprobs: DataView;
  measures: Measure[];
  selection: Selection | Empty;
  shading: Shading | Empty;
  shading_values: DataView;
  shading_low: DataView;
  shading_high: DataView;
  shading_status: Record<string, string>;
  strip: Strip | Empty;
  strip_at: DataView;
  strip_values: DataView;
  comparison: Comparison | null;
  job: Job | Empty;
  stream: Stream | Empty;
  code: string;
  alive: boolean;
}

/** The same, decoded: typed arrays for bytes, null for what is absent. This is all that the view knows. */
export interface EditorPayload {
  head: Head;
  loading: Loading | null;
  branches: BranchInfo[];
  document: EditorDocument | null;
  token_offsets: Uint32Array;
  logprobs: Float32Array;
  measures: Measure[];
  selection: Selection;
  shading: Shading | null;
  shading_values: Float32Array;
  shading_low: Float32Array;
  shading_high: Float32Array;
  shading_status: Record<string, string>;
  strip: Strip | null;
  strip_at: Uint32Array;
  strip_values: Float32Array;
  comparison: Comparison | null;
  job: Job;
  stream: Stream | null;
  code: string;
  alive: boolean;
}

export interface Alternative { token_id: number; text: string; logprob: number | null; chosen: boolean }

export interface Inspection {
  token: number; text: string; role: string | null; sentence: number | null; logprob: number | null;
  alternatives: Alternative[]; rewritten: boolean;
}

/** Requests about what is shown. They carry the id of that document: another may be shown by the time they arrive. */
export type DocumentRequest =
  | { kind: "inspect"; token: number }
  | { kind: "branch"; token: number; token_id: number }
  | { kind: "truncate"; token: number }
  | { kind: "edit"; start: number; end: number; text: string }
  | { kind: "rerun"; token: number }
  | { kind: "measure"; measure: string; unit: Unit; metric: string | null };

/** Requests the view makes; request_id is added when one is sent. */
export type Request =
  | (DocumentRequest & { document: string })
  | { kind: "goto"; branch: string }
  | { kind: "cancel"; job: string | number | null }
  | { kind: "count"; text: string };

export interface Reply {
  request_id: number;
  kind: "reply";
  status: "ok" | "error" | "progress" | "cancelled";
  error?: { message: string; remedy?: string | null };
  [key: string]: unknown;
}
