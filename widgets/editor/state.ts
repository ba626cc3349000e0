/**
 * What crosses between Python and the editor. `State` names the synced traits of
 * cotlens.widgets.editor.EditorView, one property each (a Python test compares them).
 * Character positions are UTF-16 code units of document.text; tokens are indices into the trace.
 */

import type { Change } from "../kit/diff";
import type { Kind } from "../kit/legend";
import type { Lock } from "../kit/scale";
import type { RoleSpan, Sentence } from "../kit/text";
import type { Piece } from "../kit/written";

export type Unit = "token" | "sentence" | "paragraph" | "span" | "group";
export type Empty = Record<string, never>;

export interface Head { model: string; where: string; note: string }
/** Of every action that lets the model write. */
export interface Limits { max_new_tokens: number; temperature: number }
export interface Loading { active: boolean; label: string; since: number }
export interface BranchInfo {
  id: string; parent: string | null; label: string; answer: string | null; p: number | null; current: boolean;
  /** It was edited, and the model has not gone on from the edit: it has no answer of its own. */
  awaits_rerun?: boolean;
}

export interface EditInfo {
  kind: "truncate" | "replace" | "delete" | "insert";
  /** Characters at..end of this document hold the new text. */
  at: number; end: number; old: string; new: string;
  surprise: number | null; surprise_was: number | null; tokens: number;
}

export interface EditorDocument {
  id: string; text: string; roles: RoleSpan[]; n_tokens: number; sentences: Sentence[];
  edit: EditInfo | null; rewritten_from: number | null;
  /** The token from which a rerun would go on; what follows an edit that was not rerun is of the text before it. */
  rerun_at: number | null;
  finish: string; thought_closed: boolean; notes: string[];
}

export interface Measure {
  id: string; label: string; group: string; question: string;
  /** Every unit there is for it, with the reason why one can't be had; `unit` is what choosing it would show. */
  units: { id: Unit; label: string; reason: string | null }[]; unit: Unit;
  metrics: { id: string; label: string }[];
  /** Rollouts from each place to choose from; none where nothing is sampled. */
  draws: number[];
  available: boolean; reason: string | null; cost: string | null;
  /** It takes long, so it waits until its cost was seen. */
  asks: boolean;
}

/** A reader of answers, with what it looks for. */
export interface Reader { name: string; seeks: string; current: boolean }

/** `n` is 0 where nothing is sampled; spans are in characters; the target "" is the trace's own answer. */
export interface Selection { measure: string | null; unit: Unit; metric: string | null; n: number; spans: [number, number][]; target: string }

export interface Shading {
  measure: string; unit: Unit; label: string;
  /** The largest effects: of this branch, and of all `branches` that were measured alike. */
  scale: number; scale_all: number; branches: number; sign: string; zero: string;
  scale_unit: string; signed: boolean; kind: Kind; edit_type: string; complete: boolean; metric_words: string;
  /** Answers that were read of the rollouts that came, with advice where hardly any can be; null where none were drawn. */
  unread: { read: number; of: number; advice: string } | null;
}

/** One fact of every row, "" where a row has none. */
export interface Fact { name: string; words: string[] }

export interface Strip { answers: string[]; positions: "tokens"; target: number | null; complete: boolean; sparse?: boolean }

export interface AnswerChance { answer: string | null; p: number | null }
/** A count as a share of the answers that could be read; null where none could. */
export interface Share { count: number; p: number | null; low: number | null; high: number | null }
type Arm = "before" | "after";
/** What a branch answered when it was written again n times, with its edit (after) and without (before). */
export interface Resampled {
  n: number;
  arms: Partial<Record<Arm, { done: number; unread: number; cut: number }>>;
  rows: ({ answer: string } & Partial<Record<Arm, Share>>)[];
}
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


/** As it arrives a piece; in the payload with all that was written before it. */
export type Stream = Piece;

/** The synced traits, as they arrive. Bytes arrive as DataView. */
export interface State {
  head: Head | Empty;
  limits: Limits | Empty;
  loading: Loading | Empty;
  branches: BranchInfo[];
  document: EditorDocument | Empty;
  token_offsets: DataView;
  logprobs: DataView;
  measures: Measure[];
  selection: Selection | Empty;
  readers: Reader[];
  shading: Shading | Empty;
  shading_rows: DataView;
  shading_values: DataView;
  shading_low: DataView;
  shading_high: DataView;
  shading_certainty: DataView;
  shading_status: Record<string, string>;
  shading_facts: Fact[];
  /** Where colours end whatever is measured; linked widgets share it. */
  scale_lock: Lock | Empty;
  strip: Strip | Empty;
  strip_at: DataView;
  strip_values: DataView;
  resampled: Resampled | Empty;
  comparison: Comparison | null;
  job: Job | Empty;
  stream: Stream | Empty;
  code: string;
  alive: boolean;
}

/** The same, decoded: typed arrays for bytes, null for what is absent. This is all that the view knows. */
export interface EditorPayload {
  head: Head;
  limits: Limits | null;
  loading: Loading | null;
  branches: BranchInfo[];
  document: EditorDocument | null;
  token_offsets: Uint32Array;
  logprobs: Float32Array;
  measures: Measure[];
  selection: Selection;
  readers: Reader[];
  shading: Shading | null;
  /** The row of every token; NO_ROW where it has none. The other numbers are one per row. */
  shading_rows: Uint32Array;
  shading_values: Float32Array;
  shading_low: Float32Array;
  shading_high: Float32Array;
  shading_certainty: Uint8Array;
  shading_status: Record<string, string>;
  shading_facts: Fact[];
  scale_lock: Lock | null;
  strip: Strip | null;
  strip_at: Uint32Array;
  strip_values: Float32Array;
  resampled: Resampled | null;
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
  | { kind: "resample"; n: number }
  | { kind: "measure"; measure: string; unit: Unit; metric: string | null; n: number; spans: [number, number][] | null; target: string; confirmed: boolean };

/** What to measure: `spans` are chosen anew unless null; `confirmed` starts what takes long. */
export type Wish = Omit<Extract<DocumentRequest, { kind: "measure" }>, "kind">;

/** Requests the view makes; request_id is added when one is sent. */
export type Request =
  | (DocumentRequest & { document: string })
  | { kind: "reader"; reader: string }
  | { kind: "goto"; branch: string }
  | { kind: "cancel"; job: string | number | null }
  | { kind: "count"; text: string }
  | { kind: "limits"; max_new_tokens: number; temperature: number }
  | { kind: "stream"; of: number };
