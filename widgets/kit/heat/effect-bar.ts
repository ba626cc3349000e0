/** A bar about zero with its interval. Filled: an effect; hollow: may be none; a dashed line: not measured. */

import { mayBeNothing, type Certainty } from "./certainty";
import { svg } from "../dom";

export interface Effect { value: number; low: number; high: number; certainty: Certainty }

/** The same, counted from where its scale begins. */
export function above(effect: Effect, base: number): Effect {
  return base === 0 ? effect : { ...effect, value: effect.value - base, low: effect.low - base, high: effect.high - base };
}

/** `width` by 20 px. */
export function effectBar(width: number): SVGElement {
  return svg("svg", { class: "cotlens-effect", viewBox: `0 0 ${width} 20`, width, height: 20, "aria-hidden": "true" });
}

/** Left lowers, right raises; lengths are shares of `reach`, and what is longer ends in an open arrow. */
export function drawEffect(bar: SVGElement, effect: Effect, reach: number, signed: boolean, width: number): void {
  const { value, low, high, certainty } = effect;
  const zero = signed ? width / 2 : 2;
  const room = signed ? width / 2 - 3 : width - 5;
  const x = (v: number): number => zero + Math.max(signed ? -1 : 0, Math.min(1, v / reach)) * room;
  const line = (from: number, to: number, y: number): string => `M${from.toFixed(2)} ${y}H${to.toFixed(2)}`;
  bar.replaceChildren(svg("path", { class: "cotlens-effect-zero", d: `M${zero} 2V18` }));
  if (certainty === "none" || Number.isNaN(value) || !(reach > 0)) {
    bar.append(svg("path", { class: "cotlens-effect-none", d: line(signed ? zero - 10 : zero, zero + 10, 10) }));
    return;
  }
  const [from, to] = [Math.min(zero, x(value)), Math.max(zero, x(value))];
  const sign = !signed ? "cotlens-effect-amount" : value < 0 ? "cotlens-effect-down" : "cotlens-effect-up";
  const hollow = mayBeNothing(certainty) ? " cotlens-effect-hollow" : "";
  bar.append(svg("rect", { class: `${sign}${hollow}`, x: from, y: 5, width: Math.max(0.75, to - from), height: 10, rx: 1 }));
  if (Math.abs(value) > reach) {
    const [edge, away] = value > 0 ? [to, -3] : [from, 3];
    bar.append(svg("path", { class: "cotlens-effect-interval", d: `M${edge + away} 5l${-away} 5l${away} 5` }));
  }
  if (high > low) {
    bar.append(svg("path", { class: "cotlens-effect-interval", d: `${line(x(low), x(high), 10)}M${x(low)} 7v6M${x(high)} 7v6` }));
  }
}
