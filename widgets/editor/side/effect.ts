/** The shown effect of a token or stretch, in numbers and words. */

import { effectWords, intervalWords, reasonWords, SAID } from "../../kit/heat/certainty";
import type { Store } from "../store";

export interface Effect {
  /** The row of the result; -1 without one. */
  row: number;
  value: number;
  /** "+1.94 nats", "not measured: …". */
  words: string;
  /** "exact", "+1.2 to +2.1". */
  interval: string;
  /** "interval includes 0"; "" where nothing was measured. */
  certainty: string;
  kind: string;
  /** What else is known of it: name and words. */
  facts: [string, string][];
}

export function effectOf(store: Store, first: number, last: number): Effect | null {
  const { shading, shading_values: values, shading_low: low, shading_high: high, shading_status: status, shading_facts: facts } = store.payload;
  if (!shading) return null;
  const rows = store.rowsIn(first, last);
  const row = rows.length === 1 ? (rows[0] as number) : -1;
  const value = values[row] ?? NaN;
  const kind = shading.edit_type || shading.kind;
  const known: [string, string][] = facts.map(({ name, words }): [string, string] => [name, words[row] ?? ""]).filter(([, words]) => words !== "");
  const reason = reasonWords(status[String(row)]);
  if (Number.isNaN(value)) {
    const why = row >= 0 ? reason || (shading.complete ? "" : "not reached") : rows.length > 1 ? `shown per ${shading.unit}` : "";
    return { row, value, words: why ? `not measured: ${why}` : "not measured", interval: "—", certainty: "", kind, facts: known };
  }
  const certainty = store.certainty(row);
  return {
    row, value, words: effectWords(value, shading.signed, shading.scale_unit),
    interval: intervalWords(certainty, low[row] ?? NaN, high[row] ?? NaN, shading.signed),
    certainty: [SAID[certainty], reason].filter((part) => part !== "").join("; "), kind, facts: known,
  };
}
