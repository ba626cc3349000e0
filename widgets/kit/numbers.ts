/** How numbers are written: three significant figures, probabilities as .97, signs on differences. */

import { drawable } from "./text/special";

const MINUS = "\u2212";

/** Three significant figures without an exponent for everyday sizes; "not measured" for NaN. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return "not measured";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  // Rounded first: 0.0099999 is 0.0100, not 0.01000.
  const size = Number(Math.abs(value).toPrecision(3));
  let text: string;
  if (size >= 999.5) text = Math.round(size).toLocaleString("en-US");
  else if (size >= 0.0005) text = size.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
  else text = size.toExponential(1).replace("-", MINUS);
  return value < 0 ? MINUS + text : text;
}

/** A difference: always with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${figure(value)}` : figure(value);
}

function withoutZero(text: string): string {
  return text.replace(/^0\./, ".");
}

/** A probability in at most three significant figures: .97, .962, .0031; the ends are said, not rounded away. */
export function probability(p: number): string {
  if (Number.isNaN(p)) return "not measured";
  if (p >= 1) return "1";
  if (p <= 0) return "0";
  if (p > 0.9995) return ">.999";
  if (p < 0.0005) return "<.001";
  return withoutZero(p.toFixed(p >= 0.01 ? 3 : 4)).replace(/(\.\d\d\d*?)0+$/, "$1");
}

/** A probability in two places, for running text and narrow columns. */
export function shortProbability(p: number): string {
  if (Number.isNaN(p)) return "not measured";
  if (p >= 0.995) return p >= 1 ? "1" : ">.99";
  if (p > 0 && p < 0.005) return "<.01";
  return p <= 0 ? "0" : withoutZero(p.toFixed(2));
}

/** "1 token", "1,204 tokens". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
}

/** Seconds as a person says them: "under 1 s", "about 8 s", "about 3 min". */
export function duration(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${figure(seconds / 3600)} h`;
}

/** A token as it is quoted: curly quotes, spaces and line ends made visible. */
export function quoted(text: string): string {
  const visible = drawable(text).replace(/ /g, "·").replace(/\r/g, "␍").replace(/\n/g, "⏎").replace(/\t/g, "⇥");
  return visible === "" ? "(no characters of its own)" : `“${visible}”`;
}
