/** A latent along the trace: the largest activation of every stretch, as thin bars. */

import { svg } from "../kit/dom";
import type { Latents } from "./model";

export const WIDTH = 140;
const HEIGHT = 18;
const STEP = 2;

export function sparkline(latents: Latents, row: number, count: number): SVGElement {
  const bins = new Float32Array(WIDTH / STEP);
  const lost = new Uint8Array(WIDTH / STEP);
  const binOf = (token: number): number => Math.min(bins.length - 1, Math.floor((token / Math.max(1, count)) * bins.length));
  let peak = 0;
  for (let i = latents.bounds[row] as number; i < (latents.bounds[row + 1] as number); i += 1) {
    const token = latents.tokens[i] as number;
    const bin = binOf(token);
    if (latents.blanked(token)) { lost[bin] = 1; continue; }
    const value = latents.values[i] as number;
    bins[bin] = Math.max(bins[bin] as number, value);
    peak = Math.max(peak, value);
  }
  let path = "";
  let blank = "";
  bins.forEach((value, bin) => {
    const x = bin * STEP + 0.5;
    if (value > 0 && peak > 0) path += `M${x} ${HEIGHT - 1}V${(HEIGHT - 1 - Math.max(1.5, (value / peak) * (HEIGHT - 2))).toFixed(1)}`;
    else if (lost[bin]) blank += `M${x} ${HEIGHT - 1}v-4`;
  });
  return svg("svg", { class: "cotlens-spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    svg("path", { class: "cotlens-spark-base", d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
    svg("path", { class: "cotlens-spark-blank", d: blank }), svg("path", { class: "cotlens-spark-bars", d: path }));
}
