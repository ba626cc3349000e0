/** The shown effect of a token or sentence, in numbers and words. */

import { figure, signed } from "../kit/numbers";
import type { Store } from "./store";

export interface Effect {
  value: number;
  /** "+1.94 nats", "not measured: …", or "" without shading. */
  words: string;
  /** "exact", "+1.2 to +2.1, includes 0", or "". */
  certainty: string;
  kind: string;
}

export function effectOf(store: Store, token: number, sentence: boolean): Effect | null {
  const { shading, shading_values: values, shading_low: low, shading_high: high, shading_status: status } = store.payload;
  if (!shading) return null;
  const index = sentence && shading.spans === "token" ? -1 : store.shadingIndex(token);
  const value = index < 0 ? NaN : (values[index] ?? NaN);
  const kind = shading.edit_type || shading.kind;
  if (Number.isNaN(value)) {
    const why = index < 0 ? (sentence ? "shown per token" : "") : ((status[String(index)] ?? "").replace(/^not measured(: )?/, "") || (shading.complete ? "" : "not reached"));
    return { value, words: why ? `not measured: ${why}` : "not measured", certainty: "", kind };
  }
  const number = shading.signed ? signed(value) : figure(value);
  return { value, words: `${number} ${shading.scale_unit}`.trim(), certainty: certainty(shading.kind, low[index] ?? NaN, high[index] ?? NaN), kind };
}

function certainty(kind: "exact" | "sampled", low: number, high: number): string {
  if (Number.isNaN(low) || Number.isNaN(high)) return kind === "exact" ? "exact" : "no interval";
  if (low === high) return "exact";
  return `${signed(low)} to ${signed(high)}${low <= 0 && high >= 0 ? ", includes 0" : ""}`;
}
