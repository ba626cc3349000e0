/** From values to heat levels. A level becomes a class, so recolouring changes class names and no elements. */

import { mayBeNothing, type Certainty } from "./certainty";

/** Levels on each side of zero. They are even in the square root of the value: small effects stay apart. */
export const LEVELS = 24;

/** Level of a value that was not measured. */
export const UNMEASURED = 127;

/** -LEVELS..LEVELS; 0 only for an exact zero or less than a thousandth of the scale. NaN gives UNMEASURED. */
export function level(value: number, scale: number): number {
  if (Number.isNaN(value)) return UNMEASURED;
  if (!(scale > 0)) return 0;
  const size = Math.min(1, Math.abs(value) / scale);
  if (size < 0.001) return 0;
  const step = Math.max(1, Math.round(LEVELS * Math.sqrt(size)));
  return value < 0 ? -step : step;
}

export function levels(values: Float32Array, scale: number): Int8Array {
  const out = new Int8Array(values.length);
  for (let i = 0; i < out.length; i += 1) out[i] = level(values[i] as number, scale);
  return out;
}

/** The level that is drawn: what may be no effect at all is never filled. */
export function filled(step: number, certainty: Certainty): number {
  return step !== UNMEASURED && mayBeNothing(certainty) ? 0 : step;
}

/** Share of the full opacity for a level: |v|^gamma with |v| = (level / LEVELS)^2. */
export function share(step: number, gamma: number): number {
  return (Math.abs(step) / LEVELS) ** (2 * gamma);
}

/** The slider runs from 0 (faint) to 1 (strong); the middle is the exponent .8. */
export function gammaOf(intensity: number): number {
  return 0.8 * 3 ** (1 - 2 * intensity);
}

/** Class names for a level: sign, strength for the opacity, and weight for the line that repeats it without colour. */
export function heatClass(step: number, isSigned: boolean): string {
  if (step === UNMEASURED) return " cotlens-none";
  if (step === 0) return "";
  const size = Math.abs(step);
  const sign = isSigned ? (step > 0 ? "cotlens-up" : "cotlens-down") : "cotlens-amount";
  const weight = size >= LEVELS * 0.7 ? " cotlens-w2" : size >= LEVELS * 0.4 ? " cotlens-w1" : "";
  return ` ${sign} cotlens-h${size}${weight}`;
}

/** Sets the opacity of every level on the root; all heat below follows without touching an element. */
export function setIntensity(root: HTMLElement, intensity: number): void {
  const gamma = gammaOf(intensity);
  for (let step = 1; step <= LEVELS; step += 1) root.style.setProperty(`--cotlens-l${step}`, share(step, gamma).toFixed(3));
}
