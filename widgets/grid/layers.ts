/** The cells of a grid of layers: runs below each other, deepest layer on top, places of the text from left to right. */

import { coloursOf } from "../kit/canvas";
import { LEVELS } from "../kit/heat/heat";
import { quoted } from "../kit/numbers";
import { BELOW, MISSING, sameSpot, WITHOUT, type Panel, type Spot } from "./layer-grid";
import { beginning, chosen, writer } from "./labels";
import { mayPatch, reachOf, type Context, type Section } from "./context";
import { pixelsOf, runsOf, type Run } from "./pixels";
import { bandTop, limited, rowTop, type Places } from "./places";
import { createGridCanvas, drawSigns, fillRuns, hatchRuns, outline, type Drawn, type GridCanvas } from "./grid-canvas";

const EDGE = { left: 40, top: 24 };
/** A row is never higher, a column never wider. */
const LARGEST = { wide: 150, tall: 30 };
const LEAST_TALL = 3;
/** Above each run stands its name. */
const NAMED = 24;
/** Columns from this width on have room for words. */
const WORDED = 44;
/** How much is left of the colours outside the cone of the picked cell. */
const LEFT = 0.5;
/** Smaller cells than this have no room for a hatch. */
const HATCHED = 6;
/** A pointer that moves further than this carries a cell. */
const CARRIED = 5;

export interface LayersSection extends Section { focus(): void; canvas: GridCanvas }

export function createLayers(context: Context): LayersSection {
  const { own, data, acts, root, signal } = context;
  const { grid } = data;
  let levels: Int8Array = new Int8Array(0);
  let signed: boolean[] = [];
  /** The cells below the floor as an image: where they are too small to be hatched, and too many. */
  const faint = document.createElement("canvas");
  let runs: Record<"missing" | "below" | "without", Run[]> = { missing: [], below: [], without: [] };
  /** The click that follows a drag picks nothing. */
  let dropped = false;
  let carrying: { from: Spot; x: number; y: number; begun: boolean } | null = null;

  /** What is worked out again only when other cells are shown, or on another scale. */
  function read(): void {
    const { view, lock } = own.now;
    const { bands, rows, columns } = view.shape;
    const reach = reachOf(grid, lock);
    levels = view.each((panel, row, column) => panel.level(row, column, reach));
    signed = view.panels.map((number) => view.level.panels[number]?.told.signed === true);
    const codes = view.each((panel, row, column) => panel.codeAt(row, column));
    const of = (code: number): Run[] => runsOf(bands * rows, columns, (cell) => codes[cell] === code);
    runs = { missing: of(MISSING), below: of(BELOW), without: of(WITHOUT) };
    [faint.width, faint.height] = [Math.max(1, columns), Math.max(1, bands * rows)];
    if (codes.length > 0) faint.getContext("2d")?.putImageData(new ImageData(pixelsOf(codes.length, (cell) => (codes[cell] === BELOW ? LEVELS : 0), () => false, 0.5, { ...coloursOf(root), unsigned: "rgb(128 128 128)", unsignedAlpha: 0 }), columns, bands * rows), 0, 0);
  }

  const isSigned = (cell: number): boolean => signed[Math.floor(cell / (own.now.view.shape.rows * own.now.view.shape.columns))] === true;

  /** Below the floor: hatched, or as faint as a hatch where a cell is smaller than its lines. */
  function drawBelow(drawn: Drawn): void {
    const { paper, places, shape, left, top } = drawn;
    paper.globalAlpha = 0.5;
    if (Math.min(places.wide, places.tall) >= HATCHED) hatchRuns(drawn, runs.below, true);
    else for (let band = 0; band < shape.bands; band += 1) paper.drawImage(faint, 0, band * shape.rows, shape.columns, shape.rows, left, top + bandTop(band, places, shape), shape.columns * places.wide, shape.rows * places.tall);
    paper.globalAlpha = 1;
  }

  function placesOf(width: number, height: number): Places {
    const { bands, rows, columns } = own.now.view.shape;
    const wide = limited((width - EDGE.left - 2) / Math.max(1, columns), LARGEST.wide) * own.now.zoom;
    const top = EDGE.top + (wide >= WORDED && own.now.drill === null ? 14 : 0);
    const tall = limited((height - top - 4) / Math.max(1, bands) / rows - NAMED / rows, LARGEST.tall, LEAST_TALL);
    return { left: EDGE.left, top, wide, tall, gap: NAMED };
  }

  /** What the picked cell can't be made of, or can't act on, is dimmed, as text behind a stop is. */
  function drawCone({ paper, left, top, places, shape, colours }: Drawn): void {
    const at = own.now.picked && own.now.view.place(own.now.picked);
    if (!at || grid.row === "head") return; // the heads of a layer don't read each other
    const { wide, tall } = places;
    const reads = grid.cone === "reads";
    const [from, to] = reads ? [0, at.column + 1] : [at.column, shape.columns];
    const [above, below] = reads ? [at.row, shape.rows] : [0, at.row];
    paper.fillStyle = colours.background;
    for (let band = 0; band < shape.bands; band += 1) {
      const y = top + bandTop(band, places, shape);
      paper.globalAlpha = 1 - LEFT;
      paper.beginPath();
      paper.rect(left, y, shape.columns * wide, shape.rows * tall);
      paper.rect(left + from * wide, y + above * tall, (to - from) * wide, (below - above) * tall);
      if (!reads) paper.rect(left + at.column * wide, y + at.row * tall, wide, tall);
      paper.fill("evenodd");
      paper.globalAlpha = 1;
    }
  }

  function drawPointed(drawn: Drawn): void {
    const { hovered, picked, marked, view } = own.now;
    const [at, cell, from] = [hovered && view.place(hovered), view.cell(picked), view.cell(marked)];
    if (at) {
      const { paper, left, top, places, shape, colours } = drawn;
      paper.fillStyle = colours.accent;
      paper.globalAlpha = 0.13;
      for (let band = 0; band < shape.bands; band += 1) paper.fillRect(left + at.column * places.wide, top + bandTop(band, places, shape), Math.max(1, places.wide), shape.rows * places.tall);
      paper.globalAlpha = 1;
      // The same cell of the other runs: both values are read beside the grid.
      for (const panel of view.panels) { const each = view.cell({ ...(hovered as Spot), panel }); if (each !== null) outline(drawn, each, colours.muted); }
    }
    if (cell !== null) outline(drawn, cell, drawn.colours.accent);
    if (from !== null) outline(drawn, from, drawn.colours.text, true);
    const target = carrying?.begun ? hovered : null;
    if (from !== null && target && mayPatch(data, marked, target)) drawThread(drawn, marked as Spot, target);
  }

  /** From the cell that is carried to the one it would be put into. */
  function drawThread({ paper, left, top, places, shape, colours }: Drawn, from: Spot, to: Spot): void {
    paper.strokeStyle = colours.text;
    paper.lineWidth = 1.5;
    paper.beginPath();
    for (const [i, spot] of [from, to].entries()) {
      const place = own.now.view.place(spot);
      if (!place) return;
      const [x, y] = [left + (place.column + 0.5) * places.wide, top + rowTop(place, places, shape) + places.tall / 2];
      if (i === 0) paper.moveTo(x, y); else paper.lineTo(x, y);
    }
    paper.stroke();
  }

  function drawLabels({ paper, places, shape, left, top, size, colours }: Drawn): void {
    const { view, drill } = own.now;
    const spot = own.now.hovered ?? own.now.picked;
    const at = spot && view.place(spot);
    const write = writer(paper, colours);
    for (let band = 0; band < shape.bands; band += 1) {
      const y = top + bandTop(band, places, shape);
      const panel = view.level.panels[view.panels[band] as number] as Panel;
      if (y > places.top - NAMED + 8 && y - NAMED / 2 < size.height) writeName(paper, panel, places.left, y - 11, size.width - places.left - 6, colours.text, colours.muted);
      for (const row of rowsNamed(grid.rows, places.tall, at ? at.row : -1)) {
        const line = y + (row + 0.5) * places.tall;
        if (line > places.top && line < size.height) write(grid.rows[row] ?? "", places.left - 8, line, "end", at?.row === row && at.band === band);
      }
    }
    paper.clearRect(0, 0, size.width, places.top - 1);
    write(grid.row, places.left - 8, 12, "end", false);
    const tokens = drill !== null && places.wide >= 18;
    for (const index of chosen(shape.columns, places.wide, at ? at.column : -1, tokens ? 1 : 30)) {
      const x = left + (index + 0.5) * places.wide;
      if (x < places.left - 2 || x > size.width) continue;
      const text = view.level.text(view.from + index);
      const strong = at?.column === index;
      if (tokens) write(beginning(paper, quoted(text).replace(/[“”]/g, ""), places.wide - 4), x, 12, "center", strong);
      else write(drill === null ? view.level.number(view.from + index) : String(index), x, 12, "center", strong);
      if (places.top > EDGE.top) write(beginning(paper, text.trim() || "(before)", places.wide - 8), x, 28, "center", strong);
    }
  }

  const canvas = createGridCanvas({
    label: `${grid.label}: ${grid.row}s by places of the text`, region: "layers",
    shape: () => own.now.view.shape,
    places: placesOf,
    pixels: (colours) => pixelsOf(levels.length, (cell) => levels[cell] as number, isSigned, own.now.intensity, colours),
    over(drawn) {
      drawn.paper.globalAlpha = 0.28;
      fillRuns(drawn, runs.without, drawn.colours.edge);
      drawn.paper.globalAlpha = 1;
      drawBelow(drawn);
      hatchRuns(drawn, runs.missing);
      drawSigns(drawn, (cell) => (isSigned(cell) ? levels[cell] as number : 0), LEVELS);
      drawCone(drawn);
      drawPointed(drawn);
    },
    around: drawLabels,
    picked: () => own.now.view.cell(own.now.picked),
    point(cell) {
      const hovered = cell === null ? null : own.now.view.spot(cell);
      if (!sameSpot(hovered, own.now.hovered)) own.set({ hovered });
    },
    pick: (cell) => { if (!dropped) own.set({ picked: own.now.view.spot(cell) }); },
    spoken: (cell) => own.now.view.spoken(cell),
  }, root, signal);
  const { element } = canvas;

  element.addEventListener("dblclick", (event) => { const cell = canvas.cellAt(event); if (cell !== null) root.dispatchEvent(new CustomEvent("cotlens-open", { detail: own.now.view.spot(cell).column })); }, { signal });
  if (acts) listenForCarrying();

  /** A cell is carried with the pointer; a click that ends so is none. */
  function listenForCarrying(): void {
    element.addEventListener("pointerdown", (event) => {
      dropped = false;
      const cell = event.button === 0 && event.pointerType !== "touch" && acts?.off() === null ? canvas.cellAt(event) : null;
      const from = cell === null ? null : own.now.view.spot(cell);
      carrying = from && data.isRun(from.panel) ? { from, x: event.clientX, y: event.clientY, begun: false } : null;
    }, { signal });
    element.addEventListener("pointermove", (event) => {
      if (!carrying || carrying.begun || Math.hypot(event.clientX - carrying.x, event.clientY - carrying.y) < CARRIED) return;
      carrying.begun = true;
      element.setPointerCapture(event.pointerId);
      element.toggleAttribute("data-carrying", true);
      own.set({ marked: carrying.from });
    }, { signal });
    const end = (event: PointerEvent, drop: boolean): void => {
      const held = carrying;
      carrying = null;
      element.toggleAttribute("data-carrying", false);
      if (!held?.begun) return;
      dropped = true;
      // Escape has let it go meanwhile.
      const cell = drop && own.now.marked !== null ? canvas.cellAt(event) : null;
      const to = cell === null ? null : own.now.view.spot(cell);
      own.set({ marked: null, ...(mayPatch(data, held.from, to) ? { picked: to } : {}) });
      if (to && mayPatch(data, held.from, to)) acts?.patch(held.from, to, own.now.view);
      root.dispatchEvent(new CustomEvent("cotlens-dropped", { bubbles: true }));
    };
    element.addEventListener("pointerup", (event) => end(event, true), { signal });
    element.addEventListener("pointercancel", (event) => end(event, false), { signal });
  }

  return {
    element, canvas,
    focus: canvas.focus,
    update(changed) {
      if (changed.has("view") || changed.has("lock")) read();
      if (changed.has("view") || changed.has("zoom")) canvas.measure();
      if (changed.has("view") || changed.has("lock") || changed.has("intensity")) canvas.paint();
      if (changed.has("picked") || changed.has("view")) canvas.moved();
      canvas.redraw();
    },
  };
}

/** The name of a run and what is done in it, as far as they fit. */
function writeName(paper: CanvasRenderingContext2D, panel: Panel, x: number, y: number, room: number, strong: string, muted: string): void {
  paper.textAlign = "start";
  paper.font = "600 12px system-ui, sans-serif";
  paper.fillStyle = strong;
  const name = beginning(paper, panel.told.name, room);
  paper.fillText(name, x, y);
  const used = paper.measureText(name).width + 10;
  paper.font = "11px system-ui, sans-serif";
  paper.fillStyle = muted;
  if (panel.told.note && room - used > 60) paper.fillText(beginning(paper, panel.told.note, room - used), x + used, y);
}

/** Rows that have their number: the last layer always, round ones below it, and the one that is pointed at. */
export function rowsNamed(rows: readonly string[], tall: number, pointed: number): number[] {
  const step = [1, 2, 5, 10, 20, 50].find((each) => each * tall >= 13) ?? 50;
  const free = (row: number, from: number): boolean => from < 0 || row === from || Math.abs(row - from) * tall >= 13;
  const found = rows.flatMap((name, row) => (row === 0 || (Number(name) % step === 0 && free(row, 0)) ? [row] : []));
  return pointed < 0 ? found : [...found.filter((row) => row !== pointed && free(row, pointed)), pointed];
}
