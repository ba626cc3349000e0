// Written by tools/write_protocol.py from cotlens/widgets/protocol/rollout_map.py and cotlens/widgets/rollout_map.py: change those.

import type { Empty } from "../kit/protocol";

/** n rollouts in the order given; sentences first[i]..first[i + 1] are those of rollout i. */
export interface Rollouts {
  names: string[];
  /** What is to be said of a rollout: how it ended, why its thought isn't measured; "" where there is nothing. */
  notes: string[];
  /** Thought and answer. */
  texts: string[];
  prompts: string[];
  first: DataView;
  start: DataView;
  end: DataView;
  column: DataView;
  /** Uint8, the number in `categories`. */
  category: DataView;
  /** Uint8, 1 where others say the like in that column. */
  alike: DataView;
  group: DataView;
  width: number;
  categories: string[];
  model: string;
  note: string;
}

/** Rollouts with one answer, by its value; None where it could not be read. The interval is Wilson's, 95 %. */
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

/** Places of the rollouts, x and y one after the other, and the share of variance of each direction. */
export interface Plane {
  places: DataView;
  explained: number[];
  of: string;
}

/** Kind of request -> its fields. A sentence of -1 is none. */
export type Request =
  | { kind: "open"; row: number; sentence: number };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  rollouts: Rollouts | Empty;
  groups: Group[];
  tree: Node[];
  plane: Plane | Empty;
  alive: boolean;
}
