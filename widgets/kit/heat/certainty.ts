/** How sure an estimate is, and how that is said. The codes are those of cotlens.results.certainty. */

import { figure, signed } from "../numbers";

export const CERTAINTIES = ["clear", "zero", "floor", "corrected", "exact", "open", "none", "faint", "small"] as const;
export type Certainty = (typeof CERTAINTIES)[number];

export function certaintyOf(code: number | undefined): Certainty {
  return CERTAINTIES[code ?? -1] ?? "none";
}

/** Whether an estimate may be no effect at all: it is then drawn hollow. */
export function mayBeNothing(certainty: Certainty): boolean {
  return certainty === "zero" || certainty === "floor" || certainty === "corrected" || isSmall(certainty);
}

/** Whether an estimate is below the least effect that is worth a colour, and no sample says that it is clear of zero. */
export function isSmall(certainty: Certainty): boolean {
  return certainty === "faint" || certainty === "small";
}

/** Whether an estimate is deterministic, so that there is no interval to name. */
export function isExact(certainty: Certainty): boolean {
  return certainty === "exact" || certainty === "faint";
}

/** One sign per kind, for lists: the same is said in words beside it. */
export const GLYPH: Record<Certainty, string> = { clear: "●", zero: "○", floor: "○", corrected: "◌", exact: "●", open: "◐", none: "–", faint: "○", small: "○" };

export const SAID: Record<Certainty, string> = {
  clear: "interval excludes 0", zero: "interval includes 0", floor: "no larger than the null floor",
  corrected: "not significant after correction for the number of units", exact: "exact: deterministic, no sampling error",
  open: "no interval given", none: "not measured", faint: "exact, and too small to matter", small: "too small to matter, and not sampled",
};

/** "+0.21 probability", "not measured". */
export function effectWords(value: number, isSigned: boolean, unit: string): string {
  if (Number.isNaN(value)) return "not measured";
  return `${isSigned ? signed(value) : figure(value)} ${unit}`.trim();
}

/** "+0.10 to +0.32", "exact", "none given". */
export function intervalWords(certainty: Certainty, low: number, high: number, isSigned: boolean): string {
  if (certainty === "none") return "—";
  if (isExact(certainty)) return "exact";
  if (Number.isNaN(low) || Number.isNaN(high)) return "none given";
  const each = isSigned ? signed : figure;
  return `${each(low)} to ${each(high)}`;
}

/** A reason without the words that stand before it anyway. */
export function reasonWords(status: string | undefined): string {
  return (status ?? "").replace(/^not measured(: |$)/, "");
}
