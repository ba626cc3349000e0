// Written by tools/write_protocol.py from cotlens/widgets/protocol/steering_panel.py and cotlens/widgets/steering_panel.py: change those.

import type { Empty, Job, Piece, Selected, TraceText } from "../kit/protocol";

export type Place = "all" | "thought" | "answer" | "here" | "span";

/** Which of the rewritten texts: by the vectors, or by random ones of equal norm. */
export type Which = "steered" | "control";

/** What they stand beside: the baseline, or what the model writes from the same token without vectors. */
export type Beside = "baseline" | "unsteered";

/** `latents`: how many the panel's autoencoder has; 0 without one. `most`: tokens a sweep's rollout may have. */
export interface Head {
  model: string;
  where: string;
  note: string;
  latents: number;
  most: number;
  /** Tokens of a rerun; 0 for about twice what it replaces. */
  limit: number;
}

/** `units` are the mean residual norms of the layers: coefficient 1 adds a vector of that length. `norm` is that of its values. */
export interface VectorInfo {
  name: string;
  detail: string;
  layer: number;
  norm: number;
  units: number[];
}

/** One vector's setting. Tokens start..end matter for "here" (start) and "span" (both). */
export interface Dial {
  coefficient: number;
  layer: number;
  place: Place;
  start: number;
  end: number;
}

/** The dials as Python has them, and whether random vectors with this seed stand beside. */
export interface Current {
  dials: Dial[];
  control: boolean;
  seed: number;
  places: Place[];
}

/** A rewritten text; `same` where the vectors changed no token. */
export interface Rewritten {
  document: TraceText;
  same: boolean;
  note: string;
}

/** One column of the findings; None is "not measured". `beside` and `baseline` are perplexities of the unsteered rewrite and of the baseline over the same region: from token `start` on. */
export interface Finding {
  answer: string | null;
  p: number | null;
  perplexity: number | null;
  beside: number | null;
  baseline: number | null;
  start: number;
  tokens: number;
}

/** What it comes to: "same", "text", "answer", "damage" or "unknown", and the sentence. */
export interface Verdict {
  kind: string;
  text: string;
}

/** What was measured of the texts. */
export interface Findings {
  target: string | null;
  baseline: Finding | null;
  unsteered: Finding | null;
  steered: Finding | null;
  control: Finding | null;
  verdict: Verdict | null;
  control_verdict: string | null;
}

/** One point of a sweep; None is "not measured". `damaged`: share of rollouts that may be damage, by the rule of the verdict. */
export interface Point {
  arm: "vector" | "random";
  coefficient: number;
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  damaged: number | null;
  status: string;
}

/** One vector at several strengths. `most`: the share of damaged rollouts above which a point is ringed. */
export interface Sweep {
  vector: string;
  layer: number;
  rows: Point[];
  note: string;
  most: number;
}

/** An entry of the history. */
export interface Try {
  id: string;
  label: string;
  answer: string | null;
  current: boolean;
}

/** A piece of one of the rewritten texts. */
export interface Stream extends Piece {
  which: Which;
}

/** Kind of request -> its fields. "token", "stretch" and "latent" add a vector. */
export type Request =
  | { kind: "steer"; dials: Dial[] }
  | { kind: "rerun"; document: string; token: number }
  | { kind: "control"; on: boolean; seed: number }
  | { kind: "token"; document: string; token: number }
  | { kind: "stretch"; document: string; token: number; last: number }
  | { kind: "latent"; latent: number }
  | { kind: "sweep"; vector: number; strength: number; rollouts: number }
  | { kind: "goto"; to: string }
  | { kind: "limits"; max_new_tokens: number }
  | { kind: "cancel"; job?: number | null }
  | { kind: "stream"; of: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  head: Head | Empty;
  vectors: VectorInfo[];
  current: Current | Empty;
  baseline: TraceText | Empty;
  baseline_offsets: DataView;
  steered: Rewritten | Empty;
  steered_offsets: DataView;
  control: Rewritten | Empty;
  control_offsets: DataView;
  unsteered: Rewritten | Empty;
  unsteered_offsets: DataView;
  stream: Stream | Empty;
  findings: Findings | Empty;
  sweep: Sweep | Empty;
  tries: Try[];
  job: Job | Empty;
  code: string;
  alive: boolean;
  selected: Selected | Empty;
}
