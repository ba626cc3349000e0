/**
 * What crosses between Python and the steering panel. `State` names the synced traits of
 * cotlens.widgets.steering_panel.SteeringView, one property each (a Python test compares them).
 * Character positions are UTF-16 code units of a document's text; tokens are indices into its trace.
 */

import type { RoleSpan, Sentence } from "../kit/text";
import type { Piece } from "../kit/written";

export type Empty = Record<string, never>;
export type Place = "all" | "thought" | "answer" | "here" | "span";
/** Which of the rewritten texts: by the vectors, or by random ones of equal norm. */
export type Which = "steered" | "control";
/** What they stand beside: the baseline, or what the model writes from the same token without vectors. */
export type Beside = "baseline" | "unsteered";

/** latents: how many the panel's autoencoder has; 0 without one. most: tokens that a rollout of a sweep may have. limit: of a rerun; 0 for about twice what it replaces. */
export interface Head { model: string; where: string; note: string; latents: number; most: number; limit: number }

/** `units` are the mean residual norms of the layers: coefficient 1 adds a vector of that length. `norm` is that of its values. */
export interface VectorInfo { name: string; detail: string; layer: number; norm: number; units: number[] }

/** Tokens start..end matter for "here" (start) and "span" (both). */
export interface Dial { coefficient: number; layer: number; place: Place; start: number; end: number }

export interface Current { dials: Dial[]; control: boolean; seed: number; places: Place[] }

export interface SteeredDocument {
  id: string; text: string; roles: RoleSpan[]; n_tokens: number; sentences: Sentence[]; rewritten_from: number | null; finish: string;
}

/** A rewritten text; `same` where the vectors changed no token. */
export interface Rewritten { document: SteeredDocument; same: boolean; note: string }

/**
 * One column of the findings; null is "not measured". `beside` and `baseline` are perplexities of the unsteered rewrite
 * and of the baseline over the same region: from token `start` on.
 */
export interface Finding {
  answer: string | null; p: number | null; perplexity: number | null; beside: number | null; baseline: number | null; start: number; tokens: number;
}

export interface Findings {
  target: string | null;
  baseline: Finding | null; unsteered: Finding | null; steered: Finding | null; control: Finding | null;
  /** What it comes to: "same", "text", "answer", "damage" or "unknown", and the sentence. */
  verdict: { kind: string; text: string } | null;
  control_verdict: string | null;
}

/** One point of a sweep; null is "not measured". `damaged`: share of rollouts that may be damage, by the rule of the verdict. */
export interface Point { arm: "vector" | "random"; coefficient: number; value: number | null; low: number | null; high: number | null; n: number; damaged: number | null; status: string }
/** `most`: the share of damaged rollouts above which a point is ringed. */
export interface Sweep { vector: string; layer: number; rows: Point[]; note: string; most: number }

export interface Try { id: string; label: string; answer: string | null; current: boolean }

export type JobState = "idle" | "queued" | "running" | "done" | "cancelled" | "error";
export interface Job {
  id: string | number | null; state: JobState; label: string; done: number; total: number | null; eta: number | null;
  message: string | null; remedy: string | null;
}

/** Text that is being written after character `from` of the document `source`; as it arrives a piece, in the payload with all before it. */
export interface Stream extends Piece { which: Which }

/** The synced traits, as they arrive. Bytes arrive as DataView. */
export interface State {
  head: Head | Empty;
  vectors: VectorInfo[];
  current: Current | Empty;
  baseline: SteeredDocument | Empty;
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
}

/** The same, decoded: null for what is absent. */
export interface Payload {
  head: Head;
  vectors: VectorInfo[];
  current: Current;
  baseline: SteeredDocument | null;
  baseline_offsets: Uint32Array;
  steered: Rewritten | null;
  steered_offsets: Uint32Array;
  control: Rewritten | null;
  control_offsets: Uint32Array;
  unsteered: Rewritten | null;
  unsteered_offsets: Uint32Array;
  stream: Stream | null;
  findings: Findings | null;
  sweep: Sweep | null;
  tries: Try[];
  job: Job;
  code: string;
  alive: boolean;
}

/** Requests the view makes; request_id is added when one is sent. */
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
  | { kind: "cancel"; job: string | number | null }
  | { kind: "stream"; of: number };
