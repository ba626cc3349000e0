// Written by tools/write_protocol.py from cotlens/widgets/protocol/feature_table.py and cotlens/widgets/feature_table.py: change those.

import type { BranchInfo, Comparison, Empty, Job, Piece, Selected, TraceDocument } from "../kit/protocol";

/** The model, its SAE with the number of latents, and where they are described ("" if nowhere). */
export interface Head {
  model: string;
  where: string;
  sae: string;
  width: number;
  link: string;
}

/** How well the SAE describes the trace: the share of its variance that is explained, active latents per token, the share that must be missed of a token for it to be blanked. */
export interface Facts {
  explained: number | null;
  l0: number;
  poor: number;
  note: string;
}

/** What effects are effects on; `why` there are none. `agreement` is Pearson's r of exact and estimated effects. */
export interface EffectInfo {
  why: string;
  words: string;
  target: string;
  unit: string;
  estimated: boolean;
  agreement: number | null;
  compared: number;
}

/** A token and how much is added to its logit. */
export type Weighted = [string, number];

/** Tokens whose logits a latent raises and lowers most. */
export interface Words {
  raises: Weighted[];
  lowers: Weighted[];
}

/** Tokens first..last. */
export interface Tokens {
  first: number;
  last: number;
}

export type Mode = "ablate" | "clamp" | "scale";

export type Place = "selection" | "onwards" | "everywhere";

/** Kind of request -> its fields. `first` and `last` are tokens; equal ones mean the whole trace. */
export type Request =
  | { kind: "select"; document: string; first: number; last: number }
  | { kind: "exact"; document: string; latents: number[] }
  | { kind: "describe"; latents: number[] }
  | { kind: "name"; latent: number; label: string }
  | { kind: "change"; document: string; latent: number; mode: Mode; value: number; where: Place; first: number; last: number }
  | { kind: "goto"; branch: string }
  | { kind: "undo" }
  | { kind: "redo" }
  | { kind: "cancel"; job?: number | null }
  | { kind: "stream"; of: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  head: Head | Empty;
  document: TraceDocument | Empty;
  token_offsets: DataView;
  error: DataView;
  facts: Facts | Empty;
  latents: DataView;
  bounds: DataView;
  tokens: DataView;
  values: DataView;
  labels: string[];
  origins: DataView;
  scores: DataView;
  corpus: DataView;
  words: Record<string, Words>;
  effect: EffectInfo | Empty;
  estimate: DataView;
  exact: DataView;
  selection: Tokens | Empty;
  branches: BranchInfo[];
  comparison: Comparison | null;
  stream: Piece | Empty;
  job: Job | Empty;
  code: string;
  alive: boolean;
  selected: Selected | Empty;
}
