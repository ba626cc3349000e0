/** The canvas of the matrix. It is as large as its window and draws what is scrolled into it, at any zoom. */

import { coloursOf, hatch, paperOf, type Colours } from "../kit/canvas";
import { h, setAttribute, uniqueId } from "../kit/dom";
import { LEVELS } from "../kit/heat/heat";
import { drawLabels, placesOf } from "./labels";
import type { Context, Part } from "./part";
import { missingRuns, pixelsOf } from "./pixels";

/** From this size on a cell has room for the line that repeats its sign without colour. */
const LINED = 9;

export interface GridPart extends Part { focus(): void }

export function createGrid({ own, pairs, root, signal }: Context): GridPart {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const room = h("div", "cotlens-room");
  const cellId = uniqueId("cell");
  // One cell stands for all in the document: a screen reader needs only the current one.
  const current = h("div", "", { role: "gridcell", id: cellId });
  const row = h("div", "cotlens-unseen", { role: "row" }, current);
  const element = h("div", "cotlens-grid", {
    role: "grid", tabindex: 0, "aria-label": "effect of each source on each target", "data-region": "matrix",
    "aria-rowcount": pairs.count, "aria-colcount": pairs.count, "aria-readonly": "true",
  }, h("div", "cotlens-sticky", {}, canvas), room, row);
  const image = document.createElement("canvas");
  const runs = missingRuns(pairs);
  let size = { width: 0, height: 0 };
  let places = placesOf(pairs, 0, 0, 1);
  let pending = false;

  /** The image is made anew only when its colours change; scrolling and pointing draw it again. */
  function paint(): void {
    image.width = image.height = Math.max(1, pairs.count);
    const pixels = pixelsOf(pairs, own.now.filter, own.now.scale, own.now.intensity, coloursOf(root));
    if (pairs.count > 0) image.getContext("2d")?.putImageData(new ImageData(pixels, pairs.count, pairs.count), 0, 0);
  }

  function measure(): void {
    const [width, height] = [element.clientWidth, element.clientHeight];
    size = { width, height };
    places = placesOf(pairs, width, height, own.now.zoom);
    room.style.width = `${Math.floor(places.left + places.wide * pairs.count)}px`;
    room.style.height = `${Math.floor(places.top + places.tall * pairs.count)}px`;
  }

  function draw(): void {
    const paper = paperOf(canvas, size.width, size.height);
    if (!paper) return;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    const colours = coloursOf(root);
    const [left, top] = [places.left - element.scrollLeft, places.top - element.scrollTop];
    const [wide, tall] = [places.wide * pairs.count, places.tall * pairs.count];
    paper.save();
    paper.beginPath();
    paper.rect(places.left, places.top, size.width, size.height);
    paper.clip();
    paper.imageSmoothingEnabled = false;
    paper.drawImage(image, left, top, wide, tall);
    drawMissing(paper, left, top, colours);
    if (Math.min(places.wide, places.tall) >= LINED) drawSigns(paper, left, top, colours);
    paper.strokeStyle = colours.line;
    paper.lineWidth = 1;
    paper.strokeRect(left - 0.5, top - 0.5, wide + 1, tall + 1);
    drawPlace(paper, left, top, colours);
    paper.restore();
    const cross = own.now.hovered ?? own.now.picked;
    drawLabels(paper, pairs, places, { left, top }, size, cross === null ? [-1, -1] : [pairs.target(cross), pairs.source(cross)], colours);
  }

  function drawMissing(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    if (runs.length === 0) return;
    const { wide, tall } = places;
    paper.beginPath();
    for (const [target, from, to] of runs) paper.rect(left + from * wide, top + target * tall, (to - from) * wide, tall);
    paper.fillStyle = hatch(paper, colours.edge);
    paper.fill();
  }

  /** As on text: a line below raises, a line above lowers. */
  function drawSigns(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    if (!pairs.matrix.signed) return;
    const { wide, tall } = places;
    const [first, last] = [Math.max(0, Math.floor((places.top - top) / tall)), Math.min(pairs.count, Math.ceil((size.height - top) / tall))];
    for (let target = first; target < last; target += 1) {
      for (let source = 0; source < pairs.count; source += 1) {
        const at = pairs.cell(target, source);
        if (!pairs.shown(at, own.now.filter)) continue;
        const step = pairs.level(at, own.now.scale);
        if (Math.abs(step) < LEVELS * 0.7) continue;
        paper.fillStyle = colours.text;
        paper.fillRect(left + source * wide + 1, top + target * tall + (step > 0 ? tall - 2.5 : 1), wide - 2, 1.5);
      }
    }
  }

  function drawPlace(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    const { wide, tall } = places;
    const { picked, hovered } = own.now;
    const cross = hovered ?? picked;
    if (cross !== null) {
      paper.fillStyle = colours.accent;
      paper.globalAlpha = 0.13;
      paper.fillRect(left, top + pairs.target(cross) * tall, wide * pairs.count, Math.max(1, tall));
      paper.fillRect(left + pairs.source(cross) * wide, top, Math.max(1, wide), tall * pairs.count);
      paper.globalAlpha = 1;
    }
    if (picked === null) return;
    const [x, y] = [Math.max(0, (7 - wide) / 2), Math.max(0, (7 - tall) / 2)];
    paper.strokeStyle = colours.accent;
    paper.lineWidth = 2;
    paper.strokeRect(left + pairs.source(picked) * wide - x, top + pairs.target(picked) * tall - y, wide + 2 * x, tall + 2 * y);
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
    const source = Math.floor((x - places.left + element.scrollLeft) / places.wide);
    const target = Math.floor((y - places.top + element.scrollTop) / places.tall);
    return source < pairs.count && target < pairs.count ? pairs.cell(target, source) : null;
  }

  function reveal(cell: number): void {
    const [x, y] = [pairs.source(cell) * places.wide, pairs.target(cell) * places.tall];
    const [wide, tall] = [size.width - places.left, size.height - places.top];
    if (x < element.scrollLeft || x + places.wide > element.scrollLeft + wide) element.scrollLeft = x - wide / 2;
    if (y < element.scrollTop || y + places.tall > element.scrollTop + tall) element.scrollTop = y - tall / 2;
  }

  function spoken(): void {
    const { picked } = own.now;
    setAttribute(element, "aria-activedescendant", picked === null ? null : cellId);
    if (picked === null) return;
    setAttribute(row, "aria-rowindex", pairs.target(picked) + 1);
    setAttribute(current, "aria-colindex", pairs.source(picked) + 1);
    setAttribute(current, "aria-label", pairs.spoken(picked));
  }

  element.addEventListener("scroll", redraw, { signal, passive: true });
  element.addEventListener("pointermove", (event) => own.set({ hovered: event.pointerType === "touch" ? null : cellAt(event) }), { signal });
  element.addEventListener("pointerleave", () => own.set({ hovered: null }), { signal });
  element.addEventListener("click", (event) => { const cell = cellAt(event); if (cell !== null) own.set({ picked: cell }); }, { signal });
  const resize = new ResizeObserver(() => { measure(); draw(); });
  resize.observe(element);
  signal.addEventListener("abort", () => resize.disconnect());
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(() => { if (!signal.aborted) { paint(); draw(); } }), { signal });

  return {
    element,
    focus() { element.focus({ preventScroll: true }); },
    update(changed) {
      if (changed.has("filter") || changed.has("scale") || changed.has("intensity")) paint();
      if (changed.has("zoom")) measure();
      if (changed.has("picked")) { spoken(); if (own.now.picked !== null) reveal(own.now.picked); }
      redraw();
    },
  };
}
