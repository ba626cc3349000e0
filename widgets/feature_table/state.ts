/**
 * What crosses between Python and the feature table: `State` names the synced traits of
 * cotlens.widgets.feature_table.FeatureTableView (a Python test compares them).
 */

import type { Piece } from "../kit/written";
import type { BeforeAfter } from "../kit/bars";
import type { Change } from "../kit/diff";
import type { RoleSpan, Sentence } from "../kit/text";

export interface Head { model: string; where: string; sae: string; width: number; /** Where this SAE's latents are described; "" if nowhere. */ link: string }

export interface Document {
  id: string; text: string; roles: RoleSpan[]; n_tokens: number; sentences: Sentence[];
  edit?: { kind: string } | null;
  /** The token from which a rerun would go on; what follows an edit that was not rerun is of the text before it. */
  rerun_at?: number | null;
}

/** explained: share of the trace's variance that the SAE reconstructs; poor: from which share missed a token is blanked. */
export interface Facts { explained: number | null; l0: number; poor: number; note: string }

/** why: the reason where there are no effects; agreement: Pearson's r of exact and estimated effects. */
export interface EffectInfo { why: string; words: string; target: string; unit: string; estimated: boolean; agreement: number | null; compared: number }

export type Weighted = [token: string, weight: number];
export interface Words { raises: Weighted[]; lowers: Weighted[] }

export interface Comparison { rows: BeforeAfter[]; diff: Change[]; note: string; warning: string | null }

export interface BranchInfo { id: string; parent: string | null; label: string; answer: string | null; p: number | null; current: boolean; awaits_rerun?: boolean }

export interface Job { id: number; state: string; label: string; done: number; total: number | null; eta: number | null; message: string | null; remedy: string | null }

export interface State {
  head: Head;
  document: Document | Record<string, never>;
  token_offsets: DataView;
  error: DataView;
  facts: Facts | Record<string, never>;
  latents: DataView;
  bounds: DataView;
  tokens: DataView;
  values: DataView;
  labels: string[];
  origins: DataView;
  scores: DataView;
  corpus: DataView;
  words: Record<string, Words>;
  effect: EffectInfo | Record<string, never>;
  estimate: DataView;
  exact: DataView;
  selection: { first: number; last: number } | Record<string, never>;
  branches: BranchInfo[];
  comparison: Comparison | null;
  stream: Piece | Record<string, never>;
  job: Job | Record<string, never>;
  code: string;
  alive: boolean;
}

export const KEYS = [
  "head", "document", "token_offsets", "error", "facts", "latents", "bounds", "tokens", "values", "labels", "origins", "scores", "corpus",
  "words", "effect", "estimate", "exact", "selection", "branches", "comparison", "stream", "job", "code", "alive",
] as const satisfies readonly (keyof State)[];

/** Where a label is from; the codes are those of cotlens.workbench.feature_labels. */
export const ORIGINS = ["", "from the SAE's own files", "from a file of labels", "typed by you"] as const;

export type Mode = "ablate" | "clamp" | "scale";
export type Place = "selection" | "onwards" | "everywhere";

export type Request =
  | { kind: "select"; document: string; first: number; last: number }
  | { kind: "exact"; document: string; latents: number[] }
  | { kind: "describe"; latents: number[] }
  | { kind: "name"; latent: number; label: string }
  | { kind: "change"; document: string; latent: number; mode: Mode; value: number; where: Place; first: number; last: number }
  | { kind: "goto"; branch: string }
  | { kind: "cancel"; job: number }
  | { kind: "stream"; of: number };
