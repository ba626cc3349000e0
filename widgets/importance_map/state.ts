/**
 * What crosses from Python to the importance map. `State` names the synced traits of
 * cotlens.widgets.importance_map.ImportanceMap (a Python test compares them, and the keys of a score).
 * Positions are UTF-16 code units of the score's text.
 */

import type { Kind } from "../kit/legend";

export interface Fact { name: string; numbers?: DataView; words?: string[] }

export interface Score {
  label: string;
  metric: string;
  unit: string;
  sign: string;
  zero: string;
  scale_unit: string;
  signed: boolean;
  kind: Kind;
  edit_type: string;
  model: string;
  backend: string;
  /** Name, value, and what it means where the name alone does not say. */
  settings: [name: string, value: string, why?: string][];
  base: number;
  scale: number;
  reach: number;
  text: string;
  edges: DataView;
  blocks: DataView;
  first: DataView;
  last: DataView;
  estimate: DataView;
  low: DataView;
  high: DataView;
  n: DataView;
  certainty: DataView;
  status: Record<string, string>;
  facts: Fact[];
}

export interface Context { prompt: string; answer: string; /** Where the answer is not of this text. */ whose?: string }

export interface State {
  scores: Score[];
  context: Context | Record<string, never>;
}
