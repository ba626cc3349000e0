/** The canvas of the matrix. It is as large as its window and draws what is scrolled into it, at any zoom. */

import { coloursOf, hatch, paperOf, type Colours } from "../kit/canvas";
import { h, setAttribute, uniqueId } from "../kit/dom";
import { LEVELS } from "../kit/heat";
import type { Context, Part } from "./part";
import { missingRuns, pixelsOf } from "./pixels";

const GUTTER = { left: 40, top: 24 };
const LARGEST = 36;
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
  let size = { width: 0, height: 0, cell: 1 };
  let pending = false;

  /** The image is made anew only when its colours change; scrolling and pointing draw it again. */
  function paint(): void {
    image.width = image.height = Math.max(1, pairs.count);
    const pixels = pixelsOf(pairs, own.now.filter, own.now.scale, own.now.intensity, coloursOf(root));
    if (pairs.count > 0) image.getContext("2d")?.putImageData(new ImageData(pixels, pairs.count, pairs.count), 0, 0);
  }

  function measure(): void {
    const [width, height] = [element.clientWidth, element.clientHeight];
    const fit = Math.min(width - GUTTER.left - 2, height - GUTTER.top - 2) / Math.max(1, pairs.count);
    const cell = Math.max(0.5, Math.min(LARGEST, fit)) * own.now.zoom;
    size = { width, height, cell };
    room.style.width = `${Math.ceil(GUTTER.left + cell * pairs.count)}px`;
    room.style.height = `${Math.ceil(GUTTER.top + cell * pairs.count)}px`;
  }

  function draw(): void {
    const paper = paperOf(canvas, size.width, size.height);
    if (!paper) return;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    const colours = coloursOf(root);
    const { cell } = size;
    const [left, top] = [GUTTER.left - element.scrollLeft, GUTTER.top - element.scrollTop];
    const whole = cell * pairs.count;
    paper.save();
    paper.beginPath();
    paper.rect(GUTTER.left, GUTTER.top, size.width, size.height);
    paper.clip();
    paper.imageSmoothingEnabled = false;
    paper.drawImage(image, left, top, whole, whole);
    drawMissing(paper, left, top, colours);
    if (cell >= LINED) drawSigns(paper, left, top, colours);
    paper.strokeStyle = colours.line;
    paper.lineWidth = 1;
    paper.strokeRect(left - 0.5, top - 0.5, whole + 1, whole + 1);
    drawPlace(paper, left, top, colours);
    paper.restore();
    drawAxes(paper, left, top, colours);
  }

  function drawMissing(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    if (runs.length === 0) return;
    const { cell } = size;
    paper.beginPath();
    for (const [target, from, to] of runs) paper.rect(left + from * cell, top + target * cell, (to - from) * cell, cell);
    paper.fillStyle = hatch(paper, colours.edge);
    paper.fill();
  }

  /** As on text: a line below raises, a line above lowers. */
  function drawSigns(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    if (!pairs.matrix.signed) return;
    const { cell } = size;
    const [first, last] = [Math.max(0, Math.floor((GUTTER.top - top) / cell)), Math.min(pairs.count, Math.ceil((size.height - top) / cell))];
    for (let target = first; target < last; target += 1) {
      for (let source = 0; source < pairs.count; source += 1) {
        const at = pairs.cell(target, source);
        if (!pairs.shown(at, own.now.filter)) continue;
        const step = pairs.level(at, own.now.scale);
        if (Math.abs(step) < LEVELS * 0.7) continue;
        paper.fillStyle = colours.text;
        paper.fillRect(left + source * cell + 1, top + target * cell + (step > 0 ? cell - 2.5 : 1), cell - 2, 1.5);
      }
    }
  }

  function drawPlace(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    const { cell } = size;
    const { picked, hovered } = own.now;
    const cross = hovered ?? picked;
    if (cross !== null) {
      paper.fillStyle = colours.accent;
      paper.globalAlpha = 0.13;
      const wide = Math.max(1, cell);
      paper.fillRect(left, top + pairs.target(cross) * cell, cell * pairs.count, wide);
      paper.fillRect(left + pairs.source(cross) * cell, top, wide, cell * pairs.count);
      paper.globalAlpha = 1;
    }
    if (picked === null) return;
    const grown = Math.max(0, (7 - cell) / 2);
    paper.strokeStyle = colours.accent;
    paper.lineWidth = 2;
    paper.strokeRect(left + pairs.source(picked) * cell - grown, top + pairs.target(picked) * cell - grown, cell + 2 * grown, cell + 2 * grown);
  }

  function drawAxes(paper: CanvasRenderingContext2D, left: number, top: number, colours: Colours): void {
    const { cell } = size;
    const step = [1, 2, 5, 10, 20, 50, 100].find((each) => each * cell >= 30) ?? 100;
    const cross = own.now.hovered ?? own.now.picked;
    paper.font = "11px system-ui, sans-serif";
    paper.textBaseline = "middle";
    const write = (index: number, strong: boolean, axis: "x" | "y"): void => {
      const at = (axis === "x" ? left : top) + (index + 0.5) * cell;
      if (at < (axis === "x" ? GUTTER.left : GUTTER.top) - 2 || at > (axis === "x" ? size.width : size.height)) return;
      paper.font = `${strong ? "700 " : ""}11px system-ui, sans-serif`;
      paper.fillStyle = strong ? colours.accent : colours.muted;
      paper.textAlign = axis === "x" ? "center" : "end";
      if (axis === "x") paper.fillText(String(index), at, 12);
      else paper.fillText(String(index), GUTTER.left - 8, at);
    };
    for (const axis of ["x", "y"] as const) {
      const strong = cross === null ? -1 : axis === "x" ? pairs.source(cross) : pairs.target(cross);
      for (let index = 0; index < pairs.count; index += step) {
        if (strong < 0 || Math.abs(index - strong) * cell >= 26 || index === strong) write(index, index === strong, axis);
      }
      if (strong >= 0 && strong % step !== 0) write(strong, true, axis);
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
    if (x < GUTTER.left || y < GUTTER.top || x > size.width || y > size.height) return null;
    const source = Math.floor((x - GUTTER.left + element.scrollLeft) / size.cell);
    const target = Math.floor((y - GUTTER.top + element.scrollTop) / size.cell);
    return source < pairs.count && target < pairs.count ? pairs.cell(target, source) : null;
  }

  function reveal(cell: number): void {
    const [x, y] = [pairs.source(cell) * size.cell, pairs.target(cell) * size.cell];
    const [wide, tall] = [size.width - GUTTER.left, size.height - GUTTER.top];
    if (x < element.scrollLeft || x + size.cell > element.scrollLeft + wide) element.scrollLeft = x - wide / 2;
    if (y < element.scrollTop || y + size.cell > element.scrollTop + tall) element.scrollTop = y - tall / 2;
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
