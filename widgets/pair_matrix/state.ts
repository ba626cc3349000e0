/**
 * What crosses from Python to the pair matrix: `State` names the synced traits of
 * cotlens.widgets.pair_matrix.PairMatrix (a Python test compares them, and the keys of the matrix).
 */

export interface Matrix {
  label: string;
  metric: string;
  unit: string;
  sign: string;
  zero: string;
  scale_unit: string;
  signed: boolean;
  kind: "exact" | "sampled";
  edit_type: string;
  model: string;
  backend: string;
  /** Name, value, and what it means where the name alone does not say. */
  settings: [name: string, value: string, why?: string][];
  base: number;
  scale: number;
  texts: string[];
  estimate: DataView;
  low: DataView;
  high: DataView;
  n: DataView;
  certainty: DataView;
  status: Record<string, string>;
}

export interface State { matrix: Matrix }
