/** The text: one block per sentence with its number and bar; only the visible blocks exist. */

import { asCell, letGo, pointAt, rowHead, wholeRow } from "../kit/text/cells";
import { h, setAttribute, uniqueId } from "../kit/dom";
import type { Findable } from "../kit/text/find";
import { drawEffect, effectBar } from "../kit/heat/effect-bar";
import { heatClass, UNMEASURED } from "../kit/heat/heat";
import { shown } from "../kit/text/special";
import { bisect } from "../kit/text/text";
import { TextRows, type TextRow } from "../kit/text/text-rows";
import { mayBeNothing } from "../kit/heat/certainty";
import type { Context, Section } from "./context";

const BAR = 84;
const BESIDE = BAR + 80; // px

type Item = { kind: "block"; block: number } | { kind: "role"; words: string } | { kind: "around"; text: string; role: string };
/** Of a block of units, what its marks and bar are; a text beside them is one piece, a heading has none. */
interface Row extends TextRow { block?: { index: number; bar: SVGElement; base: string[] } }

export interface ReadingSection extends Section {
  /** For the search: the question, the units and the answer. */
  text: Findable;
  reveal(unit: number, where?: "nearest" | "center"): void;
}

export function createReading({ own, around, signal }: Context, settled: () => void): ReadingSection {
  const currentId = uniqueId("unit");
  let items: Item[] = [];
  let marked: HTMLElement[] = [];

  const rows = new TextRows<Row>({}, BESIDE, signal, () => {
    const { first, last } = rows.list.visible();
    const seen = items.slice(first, last + 1).flatMap((item) => (item.kind === "block" ? [item.block] : []));
    const { map } = own.now;
    mark();
    settled();
    if (seen.length) own.set({ seen: { first: map.block(seen[0] as number).first, last: map.block(seen[seen.length - 1] as number).last } });
  });

  const { element } = rows;

  function rebuild(): void {
    const { map } = own.now;
    const role = (words: string): Item => ({ kind: "role", words });
    items = [
      ...(around?.prompt ? [role("prompt"), { kind: "around", text: around.prompt, role: "prompt" } as Item, role("thought")] : []),
      ...Array.from(map.blocks, (_, block): Item => ({ kind: "block", block })),
      ...(around?.answer ? [role(["answer", around.whose].filter(Boolean).join(" ")), { kind: "around", text: around.answer, role: "answer" } as Item] : []),
    ];
    setAttribute(element, "aria-label", `${map.score.unit}s of the text with their effects`);
    element.scrollTop = 0;
    rows.reset(items.length, height, render);
  }

  function height(index: number): number {
    const item = items[index] as Item;
    if (item.kind === "role") return 30;
    const { map } = own.now;
    const chars = item.kind === "around" ? item.text.length
      : (map.edges[map.block(item.block).last] ?? 0) - (map.edges[map.block(item.block).first] ?? 0);
    return rows.height(chars) + 4;
  }

  function render(index: number): Row {
    const item = items[index] as Item;
    if (item.kind === "role") return { element: wholeRow("cotlens-role", h("span", "cotlens-role-name", {}, item.words)), first: 0, spans: [] };
    if (item.kind === "block") return renderBlock(item.block);
    const text = h("p", "cotlens-text", {}, item.text.trim());
    return { element: wholeRow(`cotlens-block cotlens-${item.role}`, h("span"), h("span"), text), first: 0, spans: [text] };
  }

  function renderBlock(index: number): Row {
    const { map } = own.now;
    const { first, last } = map.block(index);
    const units = Array.from({ length: last - first }, (_, i) => first + i);
    const pieces = units.map((unit) => shown(map.text(unit), unit === first, unit === last - 1));
    const spans = units.map((unit, i) => asCell(h("span", "", { "data-unit": unit }, pieces[i]?.text ?? ""), map.text(unit)));
    const bar = effectBar(BAR);
    const element = h("div", "cotlens-block", { role: "row", "aria-label": map.isToken ? `sentence ${index}` : `${map.score.unit} ${first}` },
      rowHead("cotlens-num", { "data-unit": first, title: map.isToken ? "first token of this sentence" : `pick this ${map.score.unit}` }, String(map.isToken ? index : first)),
      bar, h("p", "cotlens-text", { role: "presentation" }, ...spans));
    const row: Row = { element, first, spans, block: { index, bar, base: pieces.map(({ mark }) => `cotlens-t${mark}`) } };
    paint(row);
    return row;
  }

  function paint({ element, first, spans, block }: Row): void {
    if (!block) return;
    const { map, onlyClear } = own.now;
    spans.forEach((span, i) => {
      const unit = first + i;
      const unsure = !onlyClear && mayBeNothing(map.certainty(unit)) ? " cotlens-ns" : "";
      const name = (block.base[i] as string) + heatClass(map.levels[unit] ?? UNMEASURED, map.score.signed) + unsure;
      if (span.className !== name) span.className = name;
    });
    const unit = map.isToken ? map.strongest(block.index, onlyClear) : first;
    element.classList.toggle("cotlens-token-bar", map.isToken);
    // A bar for a sentence of tokens is that of its strongest token: token effects do not add up to a sentence's.
    if (unit >= 0) drawEffect(block.bar, map.bar(unit), map.reach, map.score.signed, BAR);
    else block.bar.replaceChildren();
  }

  function indexOf(unit: number): number {
    const block = bisect(own.now.map.blocks, unit);
    return items.findIndex((item) => item.kind === "block" && item.block === block);
  }

  /** The texts that can be searched, one after the other as they stand, each with where it begins among them. */
  function parts(): { start: number; text: string; index: number }[] {
    let start = 0;
    const beside = (role: string): number => items.findIndex((item) => item.kind === "around" && item.role === role);
    const all = [{ text: around?.prompt ?? "", index: beside("prompt") }, { text: own.now.map.score.text, index: -1 }, { text: around?.answer ?? "", index: beside("answer") }];
    return all.map((part) => { const at = start; start += part.text.length + 1; return { ...part, start: at }; });
  }

  const partAt = (char: number): { start: number; text: string; index: number } => {
    const all = parts();
    return all.filter(({ start }) => start <= char).pop() ?? all[0] as { start: number; text: string; index: number };
  };

  const text: Findable = rows.findable(() => parts().map((part) => part.text).join("\n"), (char) => {
    const { index, start, text } = partAt(char);
    if (index >= 0) return { row: index, piece: 0, start, text };
    const unit = unitAt(char - start);
    return { row: indexOf(unit), piece: unit, start: start + (own.now.map.edges[unit] ?? 0), text: own.now.map.text(unit) };
  }, "center");

  function unitAt(char: number): number {
    return Math.max(0, Math.min(own.now.map.count - 1, bisect(own.now.map.edges, char, own.now.map.count)));
  }

  function reveal(unit: number, where: "nearest" | "center" = "nearest"): void {
    rows.reveal(indexOf(unit), unit, where);
  }

  function mark(): void {
    for (const each of marked) {
      each.classList.remove("cotlens-cur", "cotlens-picked");
      if (each.id === currentId) letGo(each);
    }
    marked = [];
    const { picked, map } = own.now;
    const span = picked === null ? null : rows.cell(indexOf(picked), picked);
    setAttribute(element, "aria-activedescendant", span ? currentId : null);
    if (picked === null || !span) return;
    const row = span.closest<HTMLElement>(".cotlens-block");
    row?.classList.add("cotlens-picked");
    if (map.isToken) span.classList.add("cotlens-cur");
    pointAt(span, currentId, map.spoken(picked));
    marked = row ? [span, row] : [span];
  }

  element.addEventListener("click", (event) => {
    const target = (event.target as Element).closest<HTMLElement>("[data-unit]") ?? (event.target as Element).closest(".cotlens-block")?.querySelector<HTMLElement>("[data-unit]");
    const selection = getSelection();
    if (!target || (selection && !selection.isCollapsed)) return;
    own.set({ picked: Number(target.dataset["unit"]) });
    element.focus({ preventScroll: true });
  }, { signal });

  return {
    element,
    reveal,
    text,
    update(changed) {
      if (changed.has("map")) rebuild();
      else if (changed.has("onlyClear") || changed.has("over") || changed.has("lock")) for (const row of rows.drawn.values()) paint(row);
      if (changed.has("picked") || changed.has("map")) mark();
    },
  };
}
