// Written by tools/write_protocol.py from cotlens/widgets/protocol/pair_matrix.py and cotlens/widgets/pair_matrix.py: change those.

import type { Empty, Estimates, Lock, Selected } from "../kit/protocol";

/** A pairs result. Numbers stand row by row: cell (target, source) at target * count + source. */
export interface Matrix extends Estimates {
  texts: string[];
  /** Id of the trace it was measured on. */
  trace: string;
  first: DataView;
  /** Tokens of each sentence, Uint32; none (0, 0) where the result doesn't tell them. */
  last: DataView;
}

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  matrix: Matrix | Empty;
  scale_lock: Lock | Empty;
  code: string;
  selected: Selected | Empty;
}
