/** Cells as an image of one pixel each, and stretches of cells that are marked alike. */

import type { Colours } from "../kit/canvas";
import { gammaOf, LEVELS, share } from "../kit/heat/heat";

type Rgba = readonly [number, number, number];

/** "rgb(230 159 0)" or "rgb(230, 159, 0)". */
export function rgbOf(colour: string): Rgba {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

/** RGBA bytes, row by row; transparent where the level is 0. The opacities are those of the heat on text. */
export function pixelsOf(cells: number, levelAt: (cell: number) => number, signedAt: (cell: number) => boolean, intensity: number, colours: Colours): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(cells * 4);
  const words = new Uint32Array(pixels.buffer);
  const gamma = gammaOf(intensity);
  const [up, down, amount] = [rgbOf(colours.positive), rgbOf(colours.negative), rgbOf(colours.unsigned)];
  // A cell has no text on it, so its colours may be fuller than those behind words. There are few levels and many cells.
  const shades = (hue: Rgba, alpha: number): Uint32Array => Uint32Array.from({ length: LEVELS + 1 }, (_, step) => {
    const [r, g, b] = hue;
    return new Uint32Array(Uint8ClampedArray.of(r, g, b, Math.round(255 * Math.min(1, alpha + 0.3) * share(step, gamma))).buffer)[0] as number;
  });
  const [raises, lowers, plain] = [shades(up, colours.alpha), shades(down, colours.alpha), shades(amount, colours.unsignedAlpha)];
  for (let cell = 0; cell < cells; cell += 1) {
    const step = levelAt(cell);
    if (step !== 0) words[cell] = (!signedAt(cell) ? plain : step > 0 ? raises : lowers)[Math.abs(step)] as number;
  }
  return pixels;
}

/** Stretches of cells of a row: [row, from, to], half-open. */
export type Run = readonly [row: number, from: number, to: number];

export function runsOf(rows: number, columns: number, marked: (cell: number) => boolean): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < rows; row += 1) {
    let from = -1;
    for (let column = 0; column <= columns; column += 1) {
      const on = column < columns && marked(row * columns + column);
      if (on && from < 0) from = column;
      if (!on && from >= 0) { runs.push([row, from, column]); from = -1; }
    }
  }
  return runs;
}
