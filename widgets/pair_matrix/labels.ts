/** How the window of the matrix is shared out, and the beginnings of sentences that stand along its edges. */

import type { Colours } from "../kit/canvas";
import { cut } from "../kit/text/cut";
import { drawable } from "../kit/text/special";
import type { Pairs } from "./model";

/** Pixels: where the cells begin, and how large one is. */
export interface Places { left: number; top: number; wide: number; tall: number; named: boolean }

const NUMBERS = { left: 40, top: 24 };
/** A row is never higher, and a column is no wider before all beginnings are whole. */
const LARGEST = { wide: 96, tall: 36 };
/** Rows that are lower have no room for words, columns that are narrower none for a beginning. */
const [ROW_NAMED, COLUMN_NAMED] = [14, 56];
const LONGEST = 160; // characters of a text that are looked at
const CHARACTER = 6; // pixels, of this size on average
const FONT = "11px system-ui, sans-serif";

/** Few sentences get wide cells and long beginnings, many get neither: both ways the window is filled. */
export function placesOf(pairs: Pairs, width: number, height: number, zoom: number): Places {
  const count = Math.max(1, pairs.count);
  const tall = limited((height - NUMBERS.top - 2) / count, LARGEST.tall);
  const named = tall * zoom >= ROW_NAMED && pairs.matrix.texts.some((text) => text.trim() !== "");
  const wanted = NUMBERS.left + 16 + CHARACTER * Math.min(LONGEST, Math.max(0, ...pairs.matrix.texts.map((text) => text.trim().length)));
  const least = named ? Math.min(220, 0.35 * width, wanted) : NUMBERS.left;
  const usual = limited((width - least - 2) / count, LARGEST.wide);
  const left = named ? Math.floor(Math.max(least, Math.min(wanted, width - 2 - usual * count))) : NUMBERS.left;
  const wide = Math.max(0.5, (width - left - 2) / count);
  const top = named && wide * zoom >= COLUMN_NAMED ? NUMBERS.top + 14 : NUMBERS.top;
  return { left, top, wide: wide * zoom, tall: Math.min(tall, (height - top - 2) / count) * zoom, named };
}

function limited(size: number, most: number): number {
  return Math.max(0.5, Math.min(most, size));
}

/** Numbers along both edges, with the beginnings of the sentences where there is room. `strong`: target and source. */
export function drawLabels(paper: CanvasRenderingContext2D, pairs: Pairs, places: Places, from: { left: number; top: number }, size: { width: number; height: number }, strong: readonly [number, number], colours: Colours): void {
  paper.textBaseline = "middle";
  const write = (text: string, x: number, y: number, align: CanvasTextAlign, bold: boolean): void => {
    paper.font = `${bold ? "700 " : ""}${FONT}`;
    paper.fillStyle = bold ? colours.accent : colours.muted;
    paper.textAlign = align;
    paper.fillText(text, x, y);
  };
  for (const index of chosen(pairs.count, places.tall, strong[0], places.named ? ROW_NAMED : 30)) {
    const y = from.top + (index + 0.5) * places.tall;
    if (y < places.top - 2 || y > size.height) continue;
    write(String(index), NUMBERS.left - 8, y, "end", index === strong[0]);
    if (places.named) write(beginning(paper, pairs.matrix.texts[index] ?? "", places.left - NUMBERS.left - 8), NUMBERS.left, y, "start", index === strong[0]);
  }
  for (const index of chosen(pairs.count, places.wide, strong[1], 30)) {
    const x = from.left + (index + 0.5) * places.wide;
    if (x < places.left - 2 || x > size.width) continue;
    write(String(index), x, 12, "center", index === strong[1]);
    if (places.top > NUMBERS.top) write(beginning(paper, pairs.matrix.texts[index] ?? "", places.wide - 8), x, 27, "center", index === strong[1]);
  }
}

/** Every index, or every so many, whose labels don't touch; the strong one for its neighbours. */
function chosen(count: number, size: number, strong: number, room: number): number[] {
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
