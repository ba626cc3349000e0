/** Beside the text: what is known of the picked unit, and the ranking of all units. */

import { h, setAttribute, setText } from "../kit/dom";
import { effectBar, drawEffect } from "../kit/heat/effect-bar";
import { factList, type Fact } from "../kit/controls/facts";
import { count, figure, signed } from "../kit/numbers";
import { spokenPiece } from "../kit/text/special";
import { SortableTable } from "../kit/controls/table";
import type { Context, Section } from "./context";

const BAR = 56;

export function createSide({ own, signal }: Context): Section {
  const title = h("h4", "cotlens-title");
  const text = h("blockquote", "cotlens-quote", { tabindex: 0, "aria-label": "text of the picked unit" });
  const list = h("dl", "cotlens-facts");
  const detail = h("section", "cotlens-detail", { "aria-label": "picked unit", "data-region": "detail" }, title, text, list);
  const heading = h("h4", "cotlens-title");
  const table = new SortableTable({
    label: "units by effect",
    columns: [
      { key: "place", label: "#", title: "place in the text; a token has its number in the trace", sortable: true },
      { key: "text", label: "text", title: "", sortable: false },
      { key: "size", label: "size", title: "size of the effect, whatever its sign", sortable: true },
      { key: "effect", label: "effect", title: "effect with its sign", sortable: true },
    ],
    cells: (unit) => cells(unit),
    spoken: (unit) => own.now.map.spoken(unit),
    sorted: (key) => {
      const { sort, descending } = own.now;
      own.set({ sort: key as typeof sort, descending: sort === key ? !descending : key !== "place" });
    },
    picked: (unit) => own.set({ picked: unit }),
  }, signal);
  const nothing = h("p", "cotlens-small cotlens-muted cotlens-nothing");
  const element = h("aside", "cotlens-side", { "aria-label": "numbers" }, detail,
    h("section", "cotlens-ranking", {}, heading, nothing, table.element));

  function cells(unit: number): (Node | string)[] {
    const { map } = own.now;
    const bar = effectBar(BAR);
    drawEffect(bar, map.bar(unit), map.reach, map.score.signed, BAR);
    const value = map.estimate[unit] ?? NaN;
    const words = map.text(unit).trim();
    const shown = Number.isNaN(value) ? "–" : map.score.signed ? signed(value) : figure(value);
    return [String(map.numberOf(unit)), words === "" ? "␣" : words, bar,
      h("span", "cotlens-number", { title: map.certaintyWords(unit) }, `${map.score.kind === "exact" ? "" : `${map.glyph(unit)} `}${shown}`)];
  }

  function draw(): void {
    const { picked, map } = own.now;
    const { score } = map;
    if (picked === null) {
      setText(title, "All units");
      text.hidden = true;
      const rows: Fact[] = [["measured", `${map.number("measured").toLocaleString("en-US")} of ${count(map.count, score.unit)}`]];
      if (map.judged) rows.push(["clear of zero", map.number("clear").toLocaleString("en-US")]);
      rows.push(...score.settings);
      fill(rows);
      return;
    }
    text.hidden = false;
    setText(title, `${score.unit.charAt(0).toUpperCase()}${score.unit.slice(1)} ${map.numberOf(picked)}${tokens(picked)}`);
    const words = map.text(picked);
    setText(text, words === "" ? spokenPiece(words) : words.trim() === "" ? words.replace(/ /g, "·").replace(/\n/g, "⏎") : words.trim());
    const measured = map.certainty(picked) !== "none";
    fill([
      ["effect", map.effectWords(picked)],
      ...(measured && score.kind !== "exact" ? [["interval", map.intervalWords(picked)]] : []),
      ["certainty", measured ? map.certaintyWords(picked) : (map.reason(picked) || "no reason given")],
      ...(score.kind === "sampled" ? [["samples", (map.n[picked] ?? 0).toLocaleString("en-US")]] : []),
      ...(measured ? [["size", `${map.rank(picked)}. of ${map.number("measured").toLocaleString("en-US")}`]] : []),
      ...(score.edit_type ? [["kind of edit", score.edit_type]] : []),
      ...(map.numberOf(picked) !== picked ? [["row of the table", String(picked)]] : []),
      ...map.facts(picked),
    ] as [string, string][]);
  }

  function tokens(unit: number): string {
    const { map } = own.now;
    const [first, last] = [map.first[unit] ?? 0, map.last[unit] ?? 0];
    if (map.isToken || last <= first + 1) return map.isToken && first !== unit ? " of the trace" : "";
    return ` · ${count(last - first, "token")} from ${first}`;
  }

  const fill = (rows: readonly Fact[]): void => factList(list, rows);

  function rank(): void {
    const { map, sort, descending, onlyClear } = own.now;
    const rows = map.ordered(sort, descending, onlyClear);
    table.show(rows, sort, descending);
    setText(heading, `${onlyClear ? "Clear effects" : "All effects"}, ${rows.length.toLocaleString("en-US")}`);
    nothing.hidden = rows.length > 0;
    setText(nothing, "No effect here is clear of zero. “all” lists every estimate.");
    setAttribute(table.element, "data-empty", rows.length === 0);
  }

  return {
    element,
    update(changed) {
      if (changed.has("map") || changed.has("sort") || changed.has("descending") || changed.has("onlyClear")) { rank(); table.top(); }
      if (changed.has("map") || changed.has("picked")) draw();
      if (changed.has("map") || changed.has("picked") || changed.has("sort") || changed.has("onlyClear")) table.pick(own.now.picked);
    },
  };
}
