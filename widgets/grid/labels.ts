/** Numbers and the beginnings of texts along the edges of a grid. */

import type { Colours } from "../kit/canvas";
import { cut } from "../kit/text/cut";
import { drawable } from "../kit/text/special";

export const LONGEST = 160; // characters of a text that are looked at
const FONT = "11px system-ui, sans-serif";

/** Writes a text at a place, in the accent's colour where it is the one pointed at. */
export function writer(paper: CanvasRenderingContext2D, colours: Colours): (text: string, x: number, y: number, align: CanvasTextAlign, strong: boolean) => void {
  paper.textBaseline = "middle";
  return (text, x, y, align, strong) => {
    paper.font = `${strong ? "700 " : ""}${FONT}`;
    paper.fillStyle = strong ? colours.accent : colours.muted;
    paper.textAlign = align;
    paper.fillText(text, x, y);
  };
}

/** Every index, or every so many, whose labels don't touch; the strong one for its neighbours. */
export function chosen(count: number, size: number, strong: number, room: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100].find((each) => each * size >= room) ?? 100;
  const found: number[] = [];
  for (let index = 0; index < count; index += step) if (strong < 0 || index === strong || Math.abs(index - strong) * size >= Math.min(26, room)) found.push(index);
  return strong >= 0 && strong % step !== 0 ? [...found, strong] : found;
}

/** As much of a text as fits. */
export function beginning(paper: Pick<CanvasRenderingContext2D, "measureText">, text: string, width: number): string {
  const whole = drawable(cut(text, LONGEST)).replace(/\s+/g, " ").trim();
  const full = paper.measureText(whole).width;
  if (full <= width && text.length <= LONGEST) return whole;
  let kept = Math.floor((whole.length * width) / Math.max(1, full));
  while (kept > 0 && paper.measureText(`${cut(whole, kept)}…`).width > width) kept -= 1;
  return kept > 0 ? `${cut(whole, kept).trimEnd()}…` : "";
}
