// Written by tools/write_protocol.py from cotlens/widgets/protocol/shared.py: change those.

/** {} stands for what is absent: a trait that holds a dict can't be None. */
export type Empty = Record<string, never>;

export type Role = "prompt" | "thought" | "answer";

/** Characters start..end. */
export interface RoleSpan {
  role: Role;
  start: number;
  end: number;
  /** Tokens first..last of a trace with latents, whose tokens have no characters to tell them by. */
  tokens?: [number, number];
}

/** Characters start..end and tokens first..last. */
export interface Sentence {
  start: number;
  end: number;
  first: number;
  last: number;
}

/** An edit. Characters at..end of its document hold the new text; `tokens` is how many it has. */
export interface EditInfo {
  kind: "truncate" | "replace" | "delete" | "insert";
  at: number;
  end: number;
  old: string;
  new: string;
  surprise: number | null;
  surprise_was: number | null;
  tokens: number;
}

/** The text of a trace with its places. */
export interface TraceText {
  id: string;
  text: string;
  roles: RoleSpan[];
  n_tokens: number;
  sentences: Sentence[];
  rewritten_from: number | null;
  /** The token from which a rerun would go on; what follows an edit that was not rerun is of the text before it. */
  rerun_at?: number | null;
  finish: string;
}

/** A trace as the editor and the feature table show it. */
export interface TraceDocument extends TraceText {
  edit: EditInfo | null;
  thought_closed: boolean;
  notes: string[];
}

/** What was done to a branch's parent to make it. */
export type BranchKind = "original" | "truncate" | "replace" | "delete" | "insert" | "rerun" | "resample" | "clamp" | "steer" | "patch";

/** One branch of the tree. */
export interface BranchInfo {
  id: string;
  parent: string | null;
  label: string;
  answer: string | null;
  p: number | null;
  current: boolean;
  /** It was edited, and the model has not gone on from the edit: it has no answer of its own. */
  awaits_rerun?: boolean;
}

/** An answer and its probability. */
export interface AnswerChance {
  answer: string | null;
  p: number | null;
}

/** Probabilities of one answer. */
export interface BeforeAfter {
  answer: string;
  before: number | null;
  after: number | null;
}

/** One run of a difference of two texts. */
export interface Change {
  op: "same" | "del" | "ins";
  text: string;
}

/** The answers before and after; what they are answers to is said in `note`. */
export interface Comparison {
  before: AnswerChance;
  after: AnswerChance;
  rows: BeforeAfter[];
  diff: Change[];
  surprise: number | null;
  surprise_was: number | null;
  warning: string | null;
  note: string;
}

/** What intervals are of: none are needed, the error of a computation, or sampling. */
export type Kind = "exact" | "computed" | "sampled";

/** What the two ends of a scale and its middle stand for, and what its numbers are evidence of. */
export interface ScaleMeaning {
  sign: string;
  zero: string;
  scale_unit: string;
  signed: boolean;
  kind: Kind;
  edit_type: string;
}

/** What the numbers of a result mean, in words. */
export interface Meaning extends ScaleMeaning {
  label: string;
  metric: string;
  unit: string;
  model: string;
  backend: string;
  /** Name, value, and what it means where the name alone does not say. */
  settings: [string, string, string][];
}

/** A result as a view draws it: an entry per unit or per pair, colours from `base` to `scale`. */
export interface Estimates extends Meaning {
  base: number;
  scale: number;
  estimate: DataView;
  low: DataView;
  high: DataView;
  n: DataView;
  /** Codes of `cotlens.results.certainty`, Uint8; of pairs 1 + the code, 0 where the result has no such pair. */
  certainty: DataView;
  status: Record<string, string>;
}

/** A scale that is held, for everything that is measured in this unit; linked widgets share it. */
export interface Lock {
  unit: string;
  scale: number;
}

/** What is picked, for all widgets that are linked: parts that nobody picked are missing. `span` are tokens. */
export interface Selected {
  trace?: string;
  span?: [number, number];
  unit?: string;
  latent?: number;
  layer?: number;
  findings?: string[];
}

/** A number that stands beside each estimate, Float32: a control, a floor, a rank. */
export interface Beside {
  name: string;
  numbers: DataView;
}

/** One run of a grid, or the difference of two: its columns are those of every panel of the level. Numbers stand row by row: cell (row, column) at row * columns + column. Colours begin at `base`. */
export interface GridPanel {
  name: string;
  note: string;
  trace: string;
  difference: boolean;
  signed: boolean;
  base: number;
  texts: string[];
  first: DataView;
  /** Tokens first..last of each column, Uint32; equal ones where this run has no such column. */
  last: DataView;
  estimate: DataView;
  /** Uint8: 0 no such cell, 1 measured, 2 not measured, 3 below the floor, 4 without influence. */
  code: DataView;
  /** Uint8, of each cell the number in `reasons`. */
  reason: DataView;
  /** Uint32, of each cell the number in `words` of the token that leads there; empty where nothing is said of it. */
  leading: DataView;
  beside: Beside[];
}

/** What a grid shows at once: all columns, or those that a column of the level before consists of. */
export interface GridLevel {
  unit: string;
  /** Uint32, of each column that of the level before; empty in the first. */
  parents: DataView;
  panels: GridPanel[];
}

/** Layers as rows, the last one first, and places of a text as columns, in runs below each other. All colours reach as far as from `base` to `scale`; those of a panel begin at its own base. */
export interface Grid extends Meaning {
  base: number;
  scale: number;
  /** What a row is: one of the layers, or one of the heads of a layer. */
  row: "layer" | "head";
  rows: string[];
  row_words: string[];
  /** Whether a cell is made of what stands before and below it, or acts on what stands behind and above it. */
  cone: "reads" | "reaches";
  /** How a column follows from the tokens below it, "" where it was measured by itself. */
  folded: string;
  /** What "below the floor" means. */
  floor: string;
  levels: GridLevel[];
  words: string[];
  reasons: string[];
}

export type JobState = "idle" | "queued" | "running" | "done" | "cancelled" | "error";

/** Work that goes on, or how the last ended; `eta` in seconds. The id is None before there was any. */
export interface Job {
  id: number | null;
  state: JobState;
  label: string;
  done: number;
  total: number | null;
  eta: number | null;
  message: string | null;
  remedy: string | null;
}

/** A piece of what is being written after character `from` of the document `source`: it stands `at` so many units after that. `tokens` of at most `limit` are written. As the reply to a request for the stream it is all of it so far. */
export interface Piece {
  id: number;
  source: string;
  from: number;
  at: number;
  text: string;
  tokens: number;
  limit: number;
}

/** Why a request failed, and what to do. */
export interface Failure {
  message: string;
  remedy: string | null;
}

/** A reply to a request without what it holds: "progress" is followed by another one. */
export interface Envelope {
  request_id: number;
  kind: "reply";
  status: "ok" | "error" | "progress" | "cancelled";
  error?: Failure;
}

/** A latent: what the output embedding reads there, its entropy in nats; None where that isn't known. */
export interface LatentChip {
  token: number;
  text: string | null;
  p: number | null;
  entropy: number | null;
  norm: number | null;
}

/** Another thought, whose latents may stand in place of these; with the reason why they can't. */
export interface LatentDonor {
  id: string;
  label: string;
  reason: string | null;
}

/** The latents of a thought, in order. */
export interface LatentStrip {
  chips: LatentChip[];
  /** What the latents of one change are to say; none where that isn't known. */
  parts: string[];
  /** What the mean that a latent is moved to is the mean of. */
  mean: string;
  donors: LatentDonor[];
  /** Tokens whose latents were put there by an edit. */
  put: [number, number] | null;
  /** The token from which the latents were thought again. */
  anew: number | null;
  /** Why nothing is read. */
  note: string;
  /** Why no latent can be moved, "" where they can be. */
  off: string;
}

/** The same done to a model of the same shape that hands nothing on; `why` it couldn't be, else "". */
export interface LatentControl {
  name: string;
  /** What the lens reads at these latents there. */
  reads: string;
  answer: string;
  was: number | null;
  now: number | null;
  why: string;
}

/** What is answered with some latents moved: log-odds of the answer to its best rival, nats, and probabilities. */
export interface MovedLatents {
  document: string;
  token: number;
  places: number[];
  effect: "total" | "direct";
  donor: string;
  norms: number[];
  answer: string;
  was: number;
  now: number;
  /** How far `was` moves when each of these latents is replaced by itself. */
  floor: number;
  rows: BeforeAfter[];
  cost: string;
  /** None while it isn't known, and where there is none. */
  control: LatentControl | null;
}
