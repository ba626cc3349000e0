/** Beside the matrix: both sentences of the cell with its number, and the pairs in order. */

import { h, setText } from "../kit/dom";
import { drawEffect, effectBar } from "../kit/heat/effect-bar";
import { factList, type Fact } from "../kit/controls/facts";
import { figure, signed } from "../kit/numbers";
import { SortableTable } from "../kit/controls/table";
import type { Context, Section } from "./context";

const BAR = 60;

export function createSide({ own, pairs, signal }: Context): Section {
  const { matrix } = pairs;
  const title = h("h4", "cotlens-title");
  const source = sentence("source");
  const target = sentence("target");
  const list = h("dl", "cotlens-facts");
  const hint = h("p", "cotlens-small cotlens-muted", {}, "Point at a cell, or go there with the arrow keys.");
  const detail = h("section", "cotlens-detail", { "aria-label": "the pair", "data-region": "detail" }, title, hint, source.element, target.element, list);
  const heading = h("h4", "cotlens-title");
  const table = new SortableTable({
    label: "pairs by effect",
    columns: [
      { key: "source", label: "source", title: "number of the source", sortable: true },
      { key: "target", label: "target", title: "number of the target", sortable: true },
      { key: "size", label: "size", title: "size of the effect, whatever its sign", sortable: true },
      { key: "effect", label: "effect", title: "effect with its sign", sortable: true },
    ],
    cells: (cell) => {
      const bar = effectBar(BAR);
      drawEffect(bar, pairs.bar(cell), matrix.scale - matrix.base, matrix.signed, BAR);
      const value = pairs.estimate[cell] ?? NaN;
      const mark = matrix.kind === "exact" ? "" : `${pairs.glyph(cell)} `;
      return [String(pairs.source(cell)), String(pairs.target(cell)), bar,
        h("span", "cotlens-number", { title: pairs.certaintyWords(cell) }, `${mark}${matrix.signed ? signed(value) : figure(value)}`)];
    },
    spoken: (cell) => pairs.spoken(cell),
    sorted: (key) => {
      const { sort, descending } = own.now;
      own.set({ sort: key as typeof sort, descending: sort === key ? !descending : key === "size" || key === "effect" });
    },
    picked: (cell) => own.set({ picked: cell }),
  }, signal);
  const element = h("aside", "cotlens-side", { "aria-label": "numbers" }, detail, h("section", "cotlens-ranking", {}, heading, table.element));

  function draw(): void {
    const cell = own.now.hovered ?? own.now.picked;
    hint.hidden = cell !== null;
    for (const each of [source, target]) each.element.hidden = cell === null;
    if (cell === null) { setText(title, "All pairs"); fill(matrix.settings); return; }
    const [from, to] = [pairs.source(cell), pairs.target(cell)];
    setText(title, `${from} → ${to}`);
    source.show(from, matrix.texts[from] ?? "");
    target.show(to, matrix.texts[to] ?? "");
    const rows: [string, string][] = [["effect", pairs.has(cell) ? pairs.effectWords(cell) : "—"]];
    if (pairs.measured(cell) && matrix.kind === "sampled") {
      rows.push(["interval", pairs.intervalWords(cell)]);
      if (pairs.samples(cell) > 0) rows.push(["samples", pairs.samples(cell).toLocaleString("en-US")]);
    }
    rows.push(["certainty", pairs.certaintyWords(cell)]);
    fill(rows);
  }

  const fill = (rows: readonly Fact[]): void => factList(list, rows);

  return {
    element,
    update(changed) {
      if (changed.has("filter") || changed.has("sort") || changed.has("descending")) {
        const rows = pairs.ordered(own.now.sort, own.now.descending, own.now.filter);
        table.show(rows, own.now.sort, own.now.descending);
        table.top();
        setText(heading, `Pairs, ${rows.length.toLocaleString("en-US")}`);
      }
      if (changed.has("picked") || changed.has("hovered")) draw();
      if (changed.has("picked") || changed.has("filter") || changed.has("sort") || changed.has("descending")) table.pick(own.now.picked);
    },
  };
}

function sentence(role: string): { element: HTMLElement; show(index: number, text: string): void } {
  const name = h("span", "cotlens-pair-role");
  const text = h("blockquote", "cotlens-quote", { tabindex: 0, "aria-label": `text of the ${role}` });
  return {
    element: h("div", "cotlens-sentence", {}, name, text),
    show(index, words) { setText(name, `${role} ${index}`); setText(text, words.trim() || "(its text is not part of the result)"); },
  };
}
