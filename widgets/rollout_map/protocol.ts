// Written by tools/write_protocol.py from cotlens/widgets/protocol/rollout_map.py and cotlens/widgets/rollout_map.py: change those.

import type { Empty, Selected } from "../kit/protocol";

/** n rollouts in the order given; sentences first[i]..first[i + 1] are those of rollout i. All numbers are Uint32 unless said otherwise. */
export interface Rollouts {
  /** Ids of the traces. */
  names: string[];
  /** What is to be said of a rollout: how it ended, why its thought isn't measured; "" where there is nothing. */
  notes: string[];
  /** Thought and answer. */
  texts: string[];
  /** Of each rollout, the number in `prompts`. */
  prompt: DataView;
  /** Of each rollout, the number in its prompt's groups. */
  group: DataView;
  first: DataView;
  start: DataView;
  end: DataView;
  token: DataView;
  /** Tokens of each sentence in its trace, the first and the one after the last. */
  last: DataView;
  /** Of each sentence, among those of its prompt's rollouts. */
  column: DataView;
  /** Uint8, the number in `categories`. */
  category: DataView;
  /** Uint8, 1 where others say the like in that column. */
  alike: DataView;
  categories: string[];
  model: string;
}

/** Rollouts of a prompt with one answer, by its value; None where it could not be read. The interval is Wilson's, 95 %. */
export interface Group {
  answer: string | null;
  n: number;
  share: number;
  low: number;
  high: number;
}

/** A prefix that several rollouts share: tokens start..end after its parent's, and what those say. */
export interface Node {
  rows: number[];
  parent: number;
  start: number;
  end: number;
  text: string;
  shift: number | null;
  q: number | null;
  shifts: boolean;
}

/** Places of rollouts in their order, x and y one after the other, and the share of variance of each direction. */
export interface Plane {
  places: DataView;
  explained: number[];
  of: string;
}

/** What is told of the rollouts of one prompt: answers, prefixes and columns of different ones are not compared. */
export interface Prompt {
  text: string;
  /** Columns that their sentences are aligned in. */
  width: number;
  groups: Group[];
  tree: Node[];
  /** How many there are; `tree` may leave out some that few share, and none at which answers shift. */
  prefixes: number;
  plane: Plane;
}

/** Kind of request -> its fields. A sentence of -1 is none. */
export type Request =
  | { kind: "open"; row: number; sentence: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  rollouts: Rollouts | Empty;
  prompts: Prompt[];
  plane: Plane | Empty;
  opened: number[];
  code: string;
  alive: boolean;
  selected: Selected | Empty;
}
