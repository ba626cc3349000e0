// Written by tools/write_protocol.py from cotlens/widgets/protocol/pair_matrix.py and cotlens/widgets/pair_matrix.py: change those.

import type { Empty, Lock, Meaning } from "../kit/protocol";

/** A pairs result. Numbers stand row by row: cell (target, source) at target * count + source. */
export interface Matrix extends Meaning {
  base: number;
  scale: number;
  texts: string[];
  estimate: DataView;
  low: DataView;
  high: DataView;
  n: DataView;
  /** 1 + the codes of `cotlens.results.certainty`, Uint8; 0 where the result has no such pair. */
  certainty: DataView;
  status: Record<string, string>;
}

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  matrix: Matrix | Empty;
  scale_lock: Lock | Empty;
}
