/** What the panel says: places, strengths, figures. */

import { figure, shortProbability, signed } from "../kit/numbers";
import type { Dial, Finding, Place, VectorInfo } from "./protocol";

/** "+1.20", with as many places as the hand can set. */
export function strength(coefficient: number): string {
  if (!Number.isFinite(coefficient)) return "not a number";
  if (coefficient === 0) return "0";
  const short = coefficient.toFixed(2);
  const fits = Math.abs(coefficient) < 10 && Number(short) === coefficient;
  return huge(coefficient) ?? (fits ? `${coefficient < 0 ? "\u2212" : "+"}${short.replace("-", "")}` : signed(coefficient));
}

/** A number too large for its box, with an exponent. */
function huge(value: number): string | null {
  return Math.abs(value) < 10_000 ? null : value.toExponential(2);
}

/** The mean residual norm where the vector is added. */
export function unitOf(vector: VectorInfo, dial: Dial): number {
  return vector.units[dial.layer] ?? NaN;
}

/** The factor on the vector's own values. */
export function rawWords(vector: VectorInfo, dial: Dial): string {
  const raw = (dial.coefficient * unitOf(vector, dial)) / vector.norm;
  return `raw ${Number.isFinite(raw) ? (raw === 0 ? "0" : huge(raw) ?? figure(raw)) : "—"}`;
}

/** What a screen reader says of a slider. */
export function spokenStrength(vector: VectorInfo, dial: Dial): string {
  return `${strength(dial.coefficient)} times the mean residual norm, ${rawWords(vector, dial)}`;
}

export function placeWords(place: Place, start: number, end: number): string {
  switch (place) {
    case "all": return "all tokens";
    case "thought": return "the thought";
    case "answer": return "the answer";
    case "here": return `from token ${start} on`;
    case "span": return `tokens ${start} to ${Math.max(start, end - 1)}`;
  }
}

export function answerWords(finding: Finding | null): string {
  if (finding === null) return "—";
  return finding.answer ?? "not readable";
}

export function pWords(finding: Finding | null): string {
  if (finding === null) return "—";
  return finding.p === null ? "not measured" : shortProbability(finding.p);
}

export function perplexityWords(finding: Finding | null, value: number | null | undefined): string {
  if (finding === null) return "—";
  return value === undefined || value === null ? "—" : figure(value);
}
