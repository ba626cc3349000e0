/** Paints the strip: curves of p(answer) above, one heat cell per token below (binned when tokens outnumber pixels). */

import { LEVELS, UNMEASURED, gammaOf, share } from "../../kit/heat/heat";
import type { TokenRange } from "../../kit/text/text";
import type { Chances } from "./chances";

export interface StripColours {
  line: string; muted: string; accent: string; positive: string; negative: string; unsigned: string;
  alpha: number; unsignedAlpha: number;
}

export interface StripShape { width: number; height: number; curve: number; cells: number }

export function readColours(root: HTMLElement): StripColours {
  const style = getComputedStyle(root);
  const get = (name: string): string => style.getPropertyValue(`--cotlens-${name}`).trim();
  const colour = (name: string): string => `rgb(${get(name)})`;
  return {
    line: get("line"), muted: get("muted"), accent: get("accent"),
    positive: colour("positive"), negative: colour("negative"), unsigned: colour("unsigned"),
    alpha: Number(get("alpha")) || 0.7, unsignedAlpha: Number(get("unsigned-alpha")) || 0.7,
  };
}

/** Horizontal place of "stopped before token". */
export function xOf(token: number, range: TokenRange, width: number): number {
  const tokens = Math.max(1, range.last - range.first);
  return Math.max(0, Math.min(1, (token - range.first) / tokens)) * width;
}

/** The token boundary nearest to a horizontal place, within first..last. */
export function tokenAtX(x: number, range: TokenRange, width: number): number {
  const part = width > 0 ? x / width : 0;
  return Math.max(range.first, Math.min(range.last, Math.round(range.first + part * (range.last - range.first))));
}

/** Dashes tell the other answers apart: on, off, in pixels. */
const DASHES: readonly number[][] = [[4, 3], [1, 3], [8, 3], [8, 3, 2, 3], [2, 2], [12, 4], [5, 2, 1, 2, 1, 2]];

export function dashOf(i: number): number[] { return DASHES[i % DASHES.length] as number[]; }

export function drawCurves(paper: CanvasRenderingContext2D, chances: Chances, range: TokenRange, shape: StripShape, colours: StripColours): void {
  chances.others.forEach((column, i) => drawCurve(paper, chances, column, range, shape, colours.muted, 1.5, dashOf(i)));
  if (chances.target >= 0) drawCurve(paper, chances, chances.target, range, shape, colours.accent, 2, []);
}

function drawCurve(
  paper: CanvasRenderingContext2D, chances: Chances, column: number, range: TokenRange, shape: StripShape,
  colour: string, width: number, dash: number[],
): void {
  const y = (p: number): number => 2 + (1 - p) * (shape.curve - 4);
  const thin = new Path2D(); // what is interpolated, not measured
  paper.beginPath();
  let down = false;
  let pixel = -1;
  let [low, high, last] = [NaN, NaN, NaN];
  const close = (): void => {
    if (pixel < 0 || Number.isNaN(last)) return;
    // A column of many points keeps its extremes: a spike of one token in fifty thousand stays visible.
    if (!down) { paper.moveTo(pixel, y(high)); down = true; } else paper.lineTo(pixel, y(high));
    if (low !== high) { paper.lineTo(pixel, y(low)); paper.lineTo(pixel, y(last)); }
  };
  for (let point = 0; point < chances.points; point += 1) {
    const value = chances.value(point, column);
    const exact = xOf(chances.at[point] as number, range, shape.width);
    const x = chances.points > shape.width ? Math.round(exact) : exact;
    if (Number.isNaN(value)) { close(); down = false; pixel = -1; last = NaN; continue; }
    if (chances.gap(point)) {
      close();
      if (!Number.isNaN(last)) { thin.moveTo(pixel, y(last)); thin.lineTo(x, y(value)); paper.rect(x - 0.5, y(value) - 0.5, 1, 1); }
      down = false;
      pixel = -1;
    }
    if (x === pixel) { low = Math.min(low, value); high = Math.max(high, value); last = value; continue; }
    close();
    pixel = x;
    low = high = last = value;
  }
  close();
  paper.setLineDash(dash);
  paper.strokeStyle = colour;
  paper.lineWidth = width;
  paper.lineJoin = "round";
  paper.stroke();
  paper.globalAlpha = 0.4;
  paper.lineWidth = 1;
  paper.stroke(thin);
  paper.globalAlpha = 1;
  paper.setLineDash([]);
}

/** Strongest level per pixel column when there are more tokens than pixels, else one cell per token. */
export function bins(levels: Int8Array, range: TokenRange, width: number): { level: number; x: number; width: number }[] {
  const tokens = range.last - range.first;
  const columns = Math.max(0, Math.min(tokens, Math.floor(width)));
  const out: { level: number; x: number; width: number }[] = [];
  for (let column = 0; column < columns; column += 1) {
    const from = range.first + Math.floor((column * tokens) / columns);
    const to = range.first + Math.max(Math.floor(((column + 1) * tokens) / columns), Math.floor((column * tokens) / columns) + 1);
    let strongest = UNMEASURED;
    for (let token = from; token < to; token += 1) {
      const each = levels[token] ?? UNMEASURED;
      if (each === UNMEASURED) continue;
      if (strongest === UNMEASURED || Math.abs(each) > Math.abs(strongest)) strongest = each;
    }
    out.push({ level: strongest, x: (column / columns) * width, width: width / columns });
  }
  return out;
}

export function drawCells(
  paper: CanvasRenderingContext2D, levels: Int8Array, range: TokenRange, shape: StripShape, colours: StripColours,
  signed: boolean, intensity: number,
): void {
  const gamma = gammaOf(intensity);
  const top = shape.height - shape.cells;
  for (const cell of bins(levels, range, shape.width)) {
    const gap = cell.width > 5 ? 1 : 0;
    if (cell.level === UNMEASURED || cell.level === 0) continue;
    paper.globalAlpha = share(cell.level, gamma) * (signed ? colours.alpha : colours.unsignedAlpha);
    paper.fillStyle = !signed ? colours.unsigned : cell.level > 0 ? colours.positive : colours.negative;
    // Not by colour alone: what lowers the answer hangs from the top, what raises it stands on the ground.
    const height = signed ? Math.max(3, Math.round(shape.cells * (0.35 + 0.65 * Math.abs(cell.level) / LEVELS))) : shape.cells;
    paper.fillRect(cell.x, !signed || cell.level < 0 ? top : top + shape.cells - height, Math.max(0.75, cell.width - gap), height);
  }
  paper.globalAlpha = 1;
}
