/** The grid of the matrix: a column for each source, a row for each target. */

import { LEVELS } from "../kit/heat/heat";
import { pixelsOf, runsOf } from "../grid/pixels";
import type { Shape } from "../grid/places";
import { createGridCanvas, drawSigns, hatchRuns, outline, type Drawn } from "../grid/grid-canvas";
import { drawLabels, placesOf } from "./labels";
import type { Context, Section } from "./context";

export interface GridSection extends Section { focus(): void }

export function createGrid({ own, pairs, root, signal }: Context): GridSection {
  const shape: Shape = { bands: 1, rows: pairs.count, columns: pairs.count };
  const missing = runsOf(pairs.count, pairs.count, (cell) => pairs.has(cell) && !pairs.measured(cell));
  const levelAt = (cell: number): number => (pairs.shown(cell, own.now.filter) ? pairs.level(cell, own.now.scale) : 0);
  const cross = (): number | null => own.now.hovered ?? own.now.picked;

  function drawCross({ paper, left, top, places: { wide, tall }, colours }: Drawn): void {
    const cell = cross();
    if (cell === null) return;
    paper.fillStyle = colours.accent;
    paper.globalAlpha = 0.13;
    paper.fillRect(left, top + pairs.target(cell) * tall, wide * pairs.count, Math.max(1, tall));
    paper.fillRect(left + pairs.source(cell) * wide, top, Math.max(1, wide), tall * pairs.count);
    paper.globalAlpha = 1;
  }

  const canvas = createGridCanvas({
    label: "effect of each source on each target", region: "matrix",
    shape: () => shape,
    places: (width, height) => placesOf(pairs, width, height, own.now.zoom),
    pixels: (colours) => pixelsOf(pairs.count ** 2, levelAt, () => pairs.matrix.signed, own.now.intensity, colours),
    over(drawn) {
      hatchRuns(drawn, missing);
      if (pairs.matrix.signed) drawSigns(drawn, levelAt, LEVELS);
      drawCross(drawn);
      if (own.now.picked !== null) outline(drawn, own.now.picked, drawn.colours.accent);
    },
    around(drawn) {
      const cell = cross();
      drawLabels(drawn, pairs, cell === null ? [-1, -1] : [pairs.target(cell), pairs.source(cell)]);
    },
    picked: () => own.now.picked,
    point: (hovered) => own.set({ hovered }),
    pick: (picked) => own.set({ picked }),
    spoken: (cell) => pairs.spoken(cell),
  }, root, signal);

  return {
    element: canvas.element,
    focus: canvas.focus,
    update(changed) {
      if (changed.has("filter") || changed.has("scale") || changed.has("intensity")) canvas.paint();
      if (changed.has("zoom")) canvas.measure();
      if (changed.has("picked")) canvas.moved();
      canvas.redraw();
    },
  };
}
