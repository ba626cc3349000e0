/** How the window of the matrix is shared out, and the beginnings of sentences that stand along its edges. */

import { beginning, chosen, LONGEST, writer } from "../grid/labels";
import { limited, type Places } from "../grid/places";
import type { Drawn } from "../grid/grid-canvas";
import type { Pairs } from "./model";

const NUMBERS = { left: 40, top: 24 };
/** A row is never higher, and a column is no wider before all beginnings are whole. */
const LARGEST = { wide: 96, tall: 36 };
/** Rows that are lower have no room for words, columns that are narrower none for a beginning. */
const [ROW_NAMED, COLUMN_NAMED] = [14, 56];
const CHARACTER = 6; // pixels, of this size on average

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
  return { left, top, wide: wide * zoom, tall: Math.min(tall, (height - top - 2) / count) * zoom, gap: 0 };
}

/** Numbers along both edges, with the beginnings of the sentences where there is room. `strong`: target and source. */
export function drawLabels({ paper, places, left, top, size, colours }: Drawn, pairs: Pairs, strong: readonly [number, number]): void {
  const write = writer(paper, colours);
  const named = places.left > NUMBERS.left;
  for (const index of chosen(pairs.count, places.tall, strong[0], named ? ROW_NAMED : 30)) {
    const y = top + (index + 0.5) * places.tall;
    if (y < places.top - 2 || y > size.height) continue;
    write(String(index), NUMBERS.left - 8, y, "end", index === strong[0]);
    if (named) write(beginning(paper, pairs.matrix.texts[index] ?? "", places.left - NUMBERS.left - 8), NUMBERS.left, y, "start", index === strong[0]);
  }
  for (const index of chosen(pairs.count, places.wide, strong[1], 30)) {
    const x = left + (index + 0.5) * places.wide;
    if (x < places.left - 2 || x > size.width) continue;
    write(String(index), x, 12, "center", index === strong[1]);
    if (places.top > NUMBERS.top) write(beginning(paper, pairs.matrix.texts[index] ?? "", places.wide - 8), x, 27, "center", index === strong[1]);
  }
}
