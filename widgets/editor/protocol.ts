// Written by tools/write_protocol.py from cotlens/widgets/protocol/editor.py and cotlens/widgets/editor.py: change those.

import type { BranchInfo, Comparison, Empty, Job, LatentStrip, Lock, MovedLatents, Piece, ScaleMeaning, Selected, TraceDocument } from "../kit/protocol";

export type Unit = "token" | "sentence" | "paragraph" | "span" | "group" | "thought" | "latent";

export type PartKind = "system" | "user" | "thought" | "answer" | "tool_call" | "tool_result";

export type PartPlace = "before" | "focus" | "answer" | "after";

/** Whether the latents after those that are moved are thought anew, or held at what they were. */
export type LatentEffect = "total" | "direct";

/** Characters start..end. */
export type Span = [number, number];

/** The model, where it runs, and what is to be known of its scores. */
export interface Head {
  model: string;
  where: string;
  note: string;
  /** Why nothing that needs a model can be done, where there is none. */
  off?: string;
  /** What was measured can be chosen all the same: of a page that was saved with it. */
  measured?: boolean;
}

/** A part of a trace that came from elsewhere, in the order in which it was read. */
export interface PartInfo {
  kind: PartKind;
  turn: number;
  /** Where it stands to the thought that is looked at; "answer" is what follows in its turn. */
  place: PartPlace;
  start: number;
  /** Characters of the document's text; both -1 where that doesn't hold it. */
  end: number;
  /** "" where the document's text holds it. */
  text: string;
  /** Its number among the thoughts. */
  thought: number | null;
  status: string;
  /** Why nothing can be measured on it, "" where it can. */
  reason: string;
}

/** Of every action that lets the model write. */
export interface Limits {
  max_new_tokens: number;
  temperature: number;
}

/** A model that is being loaded since then, in seconds of the epoch. */
export interface Loading {
  active: boolean;
  label: string;
  since: number;
}

/** A unit of a measure; with the reason why it can't be had. */
export interface UnitOffer {
  id: Unit;
  label: string;
  reason: string | null;
}

/** A metric of a measure. */
export interface MetricOffer {
  id: string;
  label: string;
}

/** What a measure costs on the shown trace, or the reason why it can't be had. */
export interface Offer {
  available: boolean;
  reason: string | null;
  cost: string | null;
  /** It takes long, so it waits until its cost was seen. */
  asks: boolean;
}

/** An entry of the menu. */
export interface Measure extends Offer {
  id: string;
  label: string;
  group: string;
  question: string;
  units: UnitOffer[];
  /** What choosing it would show. */
  unit: Unit;
  metrics: MetricOffer[];
  /** Rollouts from each place to choose from; none where nothing is sampled. */
  draws: number[];
}

/** A reader of answers, with what it looks for. */
export interface Reader {
  name: string;
  seeks: string;
  current: boolean;
}

/** What was chosen. `n` is 0 where nothing is sampled; the target "" is the trace's own answer. */
export interface Selection {
  measure: string | null;
  unit: Unit;
  metric: string | null;
  n: number;
  spans: Span[];
  target: string;
}

/** A passage that a monitor found in a document. */
export interface Found {
  document: string;
  start: number;
  /** Characters of the document's text. */
  end: number;
  monitor: string;
  category: string;
  /** 0 to 3. */
  severity: number;
  /** Whether something like the quote stands there, and not the quote. */
  guess: boolean;
  rationale: string;
}

/** A token to pick with its sentence and to bring into view; `asked` counts, so that one can be asked twice. */
export interface Place {
  document: string;
  token: number;
  asked: number;
}

/** Answers that were read of the rollouts that came, with advice where hardly any can be. */
export interface Unread {
  read: number;
  of: number;
  advice: string;
}

/** What the colours mean. Scales are the largest effects: of this branch, and of all `branches` measured alike. */
export interface Shading extends ScaleMeaning {
  measure: string;
  unit: Unit;
  label: string;
  scale: number;
  scale_all: number;
  branches: number;
  complete: boolean;
  metric_words: string;
  /** None where no rollouts were drawn. */
  unread: Unread | null;
}

/** One figure of the whole thought; None where it was not measured, and then `status` says why. */
export interface WholeRow {
  words: string;
  estimate: number | null;
  low: number | null;
  high: number | null;
  n: number;
  status: string;
  /** What the others have to be read beside. */
  control: boolean;
}

/** What is told of the whole thought, so that nothing in it is shaded. */
export interface Whole {
  label: string;
  question: string;
  scale_unit: string;
  edit_type: string;
  complete: boolean;
  rows: WholeRow[];
}

/** What is read at one place under a sentence. */
export interface InsidePart {
  /** After which layers, "0-2"; "" where there is but one. */
  where: string;
  words: string;
  /** How sure, in figures; "" where that isn't known. */
  value: string;
  /** Whether it rises above the floor. */
  clear: boolean;
}

/** What is read inside the model at the end of a sentence; in words for who hears it. */
export interface InsideRow {
  sentence: number;
  parts: InsidePart[];
  /** Shallower layers are left out of the parts. */
  cut: boolean;
  said: string;
}

/** Readings of a lens or a probe under the sentences, in place of a shading. */
export interface Inside {
  label: string;
  /** What the floor is. */
  note: string;
  rows: InsideRow[];
}

/** One fact of every row, "" where a row has none. */
export interface Fact {
  name: string;
  words: string[];
}

/** The curve over the text: which answers it follows, the index of the target among them. */
export interface Strip {
  answers: string[];
  positions: "tokens";
  target: number | null;
  complete: boolean;
  /** Some of it lies between what was measured. */
  sparse?: boolean;
}

/** How many rollouts are done, how many of them gave no answer, and how many were cut off. */
export interface ArmCounts {
  done: number;
  unread: number;
  cut: number;
  /** How many were asked for their answer, as they gave none. */
  forced: number;
}

/** With the edit (after) and without (before). */
export interface ArmsCounts {
  before?: ArmCounts;
  after?: ArmCounts;
}

/** A count as a share of the answers that could be read; None where none could. */
export interface Share {
  count: number;
  p: number | null;
  low: number | null;
  high: number | null;
}

/** How often one answer came. */
export interface ResampledRow {
  answer: string;
  before?: Share;
  after?: Share;
}

/** What a branch answered when it was written again n times. */
export interface Resampled {
  n: number;
  arms: ArmsCounts;
  /** Why nothing can be read, "" where something is. */
  advice: string;
  rows: ResampledRow[];
}

export type Stream = Piece;

/** What the model considered in the place of a token. */
export interface Alternative {
  token_id: number;
  text: string;
  logprob: number | null;
  chosen: boolean;
}

/** The reply to "inspect". */
export interface Inspection {
  token: number;
  text: string;
  role: string | null;
  sentence: number | null;
  logprob: number | null;
  alternatives: Alternative[];
  rewritten: boolean;
}

/** Kind of request -> its fields; `request_id` is added when one is sent. Those about a text carry the id of the document that they were made on: another may be shown by the time they arrive. Of a "measure", `spans` are chosen anew unless None, and `confirmed` starts what takes long. Of a "resample", `force` asks for the answers that are missing. "move" asks what would be answered with the latents from `token` on at some `places`, one each, from -1 (the mean) over 0 (their own) to 1 (those of the thought `donor`); "put" makes a branch of that, and "take_out" of the thought without the latents token..last. */
export type Request =
  | { kind: "inspect"; document: string; token: number }
  | { kind: "branch"; document: string; token: number; token_id: number }
  | { kind: "truncate"; document: string; token: number }
  | { kind: "edit"; document: string; start: number; end: number; text: string }
  | { kind: "rerun"; document: string; token: number }
  | { kind: "measure"; document: string; measure: string; unit: Unit; metric?: string | null; n?: number; spans?: Span[] | null; target?: string; confirmed?: boolean }
  | { kind: "goto"; branch: string }
  | { kind: "undo" }
  | { kind: "redo" }
  | { kind: "focus"; thought: number }
  | { kind: "reader"; reader: string }
  | { kind: "cancel"; job?: number | null }
  | { kind: "count"; text: string }
  | { kind: "limits"; max_new_tokens: number; temperature: number }
  | { kind: "stream"; of: number }
  | { kind: "resample"; document: string; n: number; force?: boolean }
  | { kind: "move"; document: string; token: number; places: number[]; effect: LatentEffect; donor: string }
  | { kind: "put"; document: string; token: number; places: number[]; effect: LatentEffect; donor: string }
  | { kind: "take_out"; document: string; token: number; last: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  head: Head | Empty;
  limits: Limits | Empty;
  loading: Loading | Empty;
  branches: BranchInfo[];
  document: TraceDocument | Empty;
  parts: PartInfo[];
  token_offsets: DataView;
  logprobs: DataView;
  findings: Found[];
  measures: Measure[];
  selection: Selection | Empty;
  place: Place | Empty;
  readers: Reader[];
  shading: Shading | Empty;
  shading_rows: DataView;
  shading_values: DataView;
  shading_low: DataView;
  shading_high: DataView;
  shading_certainty: DataView;
  shading_status: Record<string, string>;
  shading_facts: Fact[];
  whole: Whole | Empty;
  inside: Inside | Empty;
  latents: LatentStrip | Empty;
  moved: MovedLatents | Empty;
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
  selected: Selected | Empty;
}
