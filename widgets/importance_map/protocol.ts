// Written by tools/write_protocol.py from cotlens/widgets/protocol/importance_map.py and cotlens/widgets/importance_map.py: change those.

import type { Empty, Estimates, Lock, Selected } from "../kit/protocol";

/** What the method adds to each unit: Float32 numbers, or words. */
export interface Fact {
  name: string;
  numbers?: DataView;
  words?: string[];
}

/** A result over the units of one kind. Bars go to `reach`. */
export interface Score extends Estimates {
  reach: number;
  /** Id of the trace it was measured on. */
  trace: string;
  text: string;
  /** Where units begin, and the end: Uint32, units + 1. */
  edges: DataView;
  /** The unit with which each block of the drawn text begins: Uint32. */
  blocks: DataView;
  first: DataView;
  /** Tokens of the trace, Uint32 per unit. */
  last: DataView;
  facts: Fact[];
}

/** What stands around the thought; `whose` is said where the answer is not of this text. */
export interface Context {
  prompt: string;
  answer: string;
  whose?: string;
}

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  scores: Score[];
  context: Context | Empty;
  scale_lock: Lock | Empty;
  code: string;
  selected: Selected | Empty;
}
