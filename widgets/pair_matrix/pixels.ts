/** The matrix as an image of one pixel per cell, and the cells that are hatched. */

import type { Colours } from "../kit/canvas";
import { gammaOf, share } from "../kit/heat/heat";
import type { Filter, Pairs } from "./model";

type Rgba = readonly [number, number, number];

/** "rgb(230 159 0)" or "rgb(230, 159, 0)". */
export function rgbOf(colour: string): Rgba {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

/** RGBA bytes, row by row; transparent where nothing is shown. The opacities are those of the heat on text. */
export function pixelsOf(pairs: Pairs, filter: Filter, scale: number, intensity: number, colours: Colours): Uint8ClampedArray<ArrayBuffer> {
  const { count, matrix } = pairs;
  const pixels = new Uint8ClampedArray(count * count * 4);
  const gamma = gammaOf(intensity);
  const [up, down, amount] = [rgbOf(colours.positive), rgbOf(colours.negative), rgbOf(colours.unsigned)];
  // A cell has no text on it, so its colours may be fuller than those behind words.
  const full = Math.min(1, (matrix.signed ? colours.alpha : colours.unsignedAlpha) + 0.3);
  for (let cell = 0; cell < count * count; cell += 1) {
    if (!pairs.shown(cell, filter)) continue;
    const step = pairs.level(cell, scale);
    if (step === 0) continue;
    const hue = !matrix.signed ? amount : step > 0 ? up : down;
    pixels.set(hue, cell * 4);
    pixels[cell * 4 + 3] = Math.round(255 * full * share(step, gamma));
  }
  return pixels;
}

/** Stretches of unmeasured cells: [target, first source, last source], half-open. */
export function missingRuns(pairs: Pairs): [number, number, number][] {
  const runs: [number, number, number][] = [];
  for (let target = 0; target < pairs.count; target += 1) {
    let from = -1;
    for (let source = 0; source <= pairs.count; source += 1) {
      const cell = pairs.cell(target, source);
      const missing = source < pairs.count && pairs.has(cell) && !pairs.measured(cell);
      if (missing && from < 0) from = source;
      if (!missing && from >= 0) { runs.push([target, from, source]); from = -1; }
    }
  }
  return runs;
}
