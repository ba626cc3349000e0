/** The canvas of a grid. It is as large as its window and draws what is scrolled into it, at any zoom; to a keyboard and a screen reader it is one grid with a cell that is current. */

import { coloursOf, hatch, paperOf, type Colours } from "../kit/canvas";
import { h, setAttribute, uniqueId } from "../kit/dom";
import type { Run } from "./pixels";
import { bandTop, cellOf, heightOf, placeOf, rowAt, rowTop, type Places, type Shape } from "./places";

/** From this size on a cell has room for the line that repeats its sign without colour. */
export const LINED = 9;
/** Of the largest effects: those that have the line. */
const STRONG = 0.7;

/** What is drawn now: where the cells begin, after scrolling, and the window. */
export interface Drawn { paper: CanvasRenderingContext2D; shape: Shape; places: Places; left: number; top: number; size: { width: number; height: number }; colours: Colours }

/** What a grid shows and what it is told. */
export interface Host {
  label: string;
  region: string;
  shape(): Shape;
  places(width: number, height: number): Places;
  pixels(colours: Colours): Uint8ClampedArray<ArrayBuffer>;
  /** Within the cells, over their colours. */
  over(drawn: Drawn): void;
  /** Along the edges. */
  around(drawn: Drawn): void;
  picked(): number | null;
  point(cell: number | null): void;
  pick(cell: number): void;
  /** What a screen reader is told of a cell. */
  spoken(cell: number): string;
}

export interface GridCanvas {
  element: HTMLElement;
  focus(): void;
  cellAt(event: PointerEvent | MouseEvent): number | null;
  /** Colours changed. */
  paint(): void;
  /** Shape or zoom changed. */
  measure(): void;
  /** The current cell changed. */
  moved(): void;
  /** Draws again in the next frame. */
  redraw(): void;
}

export function createGridCanvas(host: Host, root: HTMLElement, signal: AbortSignal): GridCanvas {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const room = h("div", "cotlens-room");
  const cellId = uniqueId("cell");
  // One cell stands for all in the document: a screen reader needs only the current one.
  const current = h("div", "", { role: "gridcell", id: cellId });
  const row = h("div", "cotlens-unseen", { role: "row" }, current);
  const element = h("div", "cotlens-gridcanvas", { role: "grid", tabindex: 0, "aria-label": host.label, "data-region": host.region, "aria-readonly": "true" },
    h("div", "cotlens-sticky", {}, canvas), room, row);
  const image = document.createElement("canvas");
  let size = { width: 0, height: 0 };
  let shape = host.shape();
  let places: Places = { left: 0, top: 0, wide: 1, tall: 1, gap: 0 };
  let pending = false;

  /** The image is made anew only when its colours change; scrolling and pointing draw it again. */
  function paint(): void {
    shape = host.shape();
    const [width, height] = [shape.columns, shape.bands * shape.rows];
    image.width = Math.max(1, width);
    image.height = Math.max(1, height);
    if (width > 0 && height > 0) image.getContext("2d")?.putImageData(new ImageData(host.pixels(coloursOf(root)), width, height), 0, 0);
  }

  function measure(): void {
    size = { width: element.clientWidth, height: element.clientHeight };
    shape = host.shape();
    places = host.places(size.width, size.height);
    room.style.width = `${Math.floor(places.left + places.wide * shape.columns)}px`;
    room.style.height = `${Math.floor(places.top + heightOf(places, shape))}px`;
    setAttribute(element, "aria-rowcount", shape.bands * shape.rows);
    setAttribute(element, "aria-colcount", shape.columns);
  }

  function draw(): void {
    const paper = paperOf(canvas, size.width, size.height);
    if (!paper) return;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    const drawn: Drawn = { paper, shape, places, left: places.left - element.scrollLeft, top: places.top - element.scrollTop, size, colours: coloursOf(root) };
    paper.save();
    paper.beginPath();
    paper.rect(places.left, places.top, size.width, size.height);
    paper.clip();
    drawCells(drawn);
    host.over(drawn);
    paper.restore();
    host.around(drawn);
  }

  function drawCells({ paper, left, top, colours }: Drawn): void {
    const [wide, tall] = [places.wide * shape.columns, places.tall * shape.rows];
    paper.imageSmoothingEnabled = false;
    paper.strokeStyle = colours.line;
    paper.lineWidth = 1;
    for (let band = 0; band < shape.bands; band += 1) {
      const y = top + bandTop(band, places, shape);
      if (shape.columns > 0) paper.drawImage(image, 0, band * shape.rows, shape.columns, shape.rows, left, y, wide, tall);
      paper.strokeRect(left - 0.5, y - 0.5, wide + 1, tall + 1);
    }
  }

  const redraw = (): void => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; if (!signal.aborted) draw(); });
  };

  function cellAt(event: PointerEvent | MouseEvent): number | null {
    const box = element.getBoundingClientRect();
    const x = event.clientX - box.left - element.clientLeft;
    const y = event.clientY - box.top - element.clientTop;
    if (x < places.left || y < places.top || x > size.width || y > size.height) return null;
    const at = rowAt(y - places.top + element.scrollTop, places, shape);
    const column = Math.floor((x - places.left + element.scrollLeft) / places.wide);
    return at !== null && column < shape.columns ? cellOf({ ...at, column }, shape) : null;
  }

  function reveal(cell: number): void {
    const at = placeOf(cell, shape);
    const [x, y] = [at.column * places.wide, rowTop(at, places, shape)];
    const [wide, tall] = [size.width - places.left, size.height - places.top];
    if (x < element.scrollLeft || x + places.wide > element.scrollLeft + wide) element.scrollLeft = x - wide / 2;
    if (y < element.scrollTop || y + places.tall > element.scrollTop + tall) element.scrollTop = y - tall / 2;
  }

  function moved(): void {
    const picked = host.picked();
    setAttribute(element, "aria-activedescendant", picked === null ? null : cellId);
    if (picked === null) return;
    const at = placeOf(picked, shape);
    setAttribute(row, "aria-rowindex", at.band * shape.rows + at.row + 1);
    setAttribute(current, "aria-colindex", at.column + 1);
    setAttribute(current, "aria-label", host.spoken(picked));
    reveal(picked);
  }

  element.addEventListener("scroll", redraw, { signal, passive: true });
  element.addEventListener("pointermove", (event) => host.point(event.pointerType === "touch" ? null : cellAt(event)), { signal });
  element.addEventListener("pointerleave", () => host.point(null), { signal });
  element.addEventListener("click", (event) => { const cell = cellAt(event); if (cell !== null) host.pick(cell); }, { signal });
  const resize = new ResizeObserver(() => { measure(); draw(); });
  resize.observe(element);
  signal.addEventListener("abort", () => resize.disconnect());
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(() => { if (!signal.aborted) { paint(); draw(); } }), { signal });

  return { element, focus() { element.focus({ preventScroll: true }); }, cellAt, paint, measure, moved, redraw };
}

/** Fills stretches of cells; `row` counts through all bands. */
export function fillRuns({ paper, left, top, places, shape }: Drawn, runs: readonly Run[], fill: CanvasPattern | string): void {
  if (runs.length === 0) return;
  paper.beginPath();
  for (const [line, from, to] of runs) {
    const y = top + rowTop({ band: Math.floor(line / shape.rows), row: line % shape.rows }, places, shape);
    paper.rect(left + from * places.wide, y, (to - from) * places.wide, places.tall);
  }
  paper.fillStyle = fill;
  paper.fill();
}

/** Diagonal lines: no number; turned ones: a number that says nothing. */
export function hatchRuns(drawn: Drawn, runs: readonly Run[], turned = false): void {
  if (runs.length > 0) fillRuns(drawn, runs, hatch(drawn.paper, drawn.colours.edge, turned));
}

/** As on text: a line below raises, a line above lowers, where a cell has room for it. `most` is the largest level. */
export function drawSigns(drawn: Drawn, levelAt: (cell: number) => number, most: number): void {
  const { paper, left, top, places, shape, size, colours } = drawn;
  const { wide, tall } = places;
  if (Math.min(wide, tall) < LINED) return;
  const [first, last] = [Math.max(0, Math.floor((places.left - left) / wide)), Math.min(shape.columns, Math.ceil((size.width - left) / wide))];
  paper.fillStyle = colours.text;
  for (let line = 0; line < shape.bands * shape.rows; line += 1) {
    const y = top + rowTop({ band: Math.floor(line / shape.rows), row: line % shape.rows }, places, shape);
    if (y + tall < places.top || y > size.height) continue;
    for (let column = first; column < last; column += 1) {
      const step = levelAt(line * shape.columns + column);
      if (Math.abs(step) >= most * STRONG) paper.fillRect(left + column * wide + 1, y + (step > 0 ? tall - 2.5 : 1), wide - 2, 1.5);
    }
  }
}

/** The frame of a cell, as large as can be seen. */
export function outline({ paper, left, top, places, shape }: Drawn, cell: number, colour: string, dashed = false): void {
  const at = placeOf(cell, shape);
  const { wide, tall } = places;
  const [x, y] = [Math.max(0, (7 - wide) / 2), Math.max(0, (7 - tall) / 2)];
  paper.strokeStyle = colour;
  paper.lineWidth = 2;
  paper.setLineDash(dashed ? [4, 3] : []);
  paper.strokeRect(left + at.column * wide - x, top + rowTop(at, places, shape) - y, wide + 2 * x, tall + 2 * y);
  paper.setLineDash([]);
}
