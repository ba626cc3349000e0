/** How far a slider goes: by the vector's own length, or by what its sweep has shown. */

import type { Dial, Point, Sweep, VectorInfo } from "../protocol";
import { unitOf } from "../words";

/** A slider goes to so many times the vector's own length, but never past a push twice as long as the residual stream. */
const LENGTHS = 4;
const [LEAST, MOST] = [0.5, 2]; // mean residual norms
const STEPS = 40; // of a hand, from 0 to the end

/** Whether the texts of a point may be damage, by the rule of the verdict. */
export function damaged(row: Point, sweep: Sweep): boolean {
  return row.damaged !== null && row.damaged > sweep.most;
}

/** The end of a vector's slider, in mean residual norms: a round number that its dial lies within. */
export function reachOf(vector: VectorInfo, dial: Dial, sweep: Sweep | null): number {
  const usual = Math.min(MOST, Math.max(LEAST, LENGTHS * vector.norm / unitOf(vector, dial) || MOST));
  const own = sweep?.vector === vector.name && sweep.layer === dial.layer ? sweep : null;
  return round(Math.max(own ? shown(own, usual) : usual, Math.abs(dial.coefficient)));
}

/** Up to where the texts break; where none does, as far as was swept at least. */
function shown(sweep: Sweep, usual: number): number {
  const rows = sweep.rows.filter((row) => row.arm === "vector" && row.coefficient !== 0);
  const broken = rows.filter((row) => damaged(row, sweep)).map((row) => Math.abs(row.coefficient));
  return broken.length ? Math.min(...broken) : Math.max(usual, ...rows.map((row) => Math.abs(row.coefficient)));
}

export function stepOf(reach: number): number {
  return Number((reach / STEPS).toPrecision(3));
}

/** The next of 1, 2, 5, 10, ... that is no less. */
export function round(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value) + 1e-9);
  const lead = [1, 2, 5, 10].find((each) => each * unit >= value * (1 - 1e-9)) ?? 10;
  return Number((lead * unit).toPrecision(3));
}
