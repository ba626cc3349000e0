// Written by tools/write_protocol.py from cotlens/widgets/protocol/patch_grid.py and cotlens/widgets/patch_grid.py: change those.

import type { BranchInfo, Comparison, Empty, Grid, Job, Lock, Piece, Selected } from "../kit/protocol";

export type Side = "base" | "source";

/** Kind of request -> its fields. Tokens first..last of `side` after `layer` are given what stands at tokens from_first..from_last of the other side after `from_layer`. A column is one of the grid's first level. */
export type Request =
  | { kind: "patch"; side: Side; layer: number; first: number; last: number; from_layer: number; from_first: number; from_last: number }
  | { kind: "tokens"; column: number }
  | { kind: "goto"; branch: string }
  | { kind: "cancel"; job?: number | null }
  | { kind: "stream"; of: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  grid: Grid | Empty;
  scale_lock: Lock | Empty;
  why: string;
  branches: BranchInfo[];
  comparison: Comparison | null;
  stream: Piece | Empty;
  job: Job | Empty;
  code: string;
  alive: boolean;
  selected: Selected | Empty;
}
