/** The text: one block per sentence with its number and bar; only the visible blocks exist. */

import { asCell, letGo, pointAt, rowHead, wholeRow } from "../kit/cells";
import { h, setAttribute, uniqueId } from "../kit/dom";
import type { Findable } from "../kit/find";
import { drawEffect, effectBar } from "../kit/effect-bar";
import { heatClass, UNMEASURED } from "../kit/heat";
import { shown } from "../kit/special";
import { bisect } from "../kit/text";
import { VirtualList } from "../kit/virtual";
import { mayBeNothing } from "../kit/certainty";
import type { Context, Part } from "./part";

const LINE = 25;
const BAR = 84;

type Item = { kind: "block"; block: number } | { kind: "role"; words: string } | { kind: "around"; text: string; role: string };
interface Drawn { block: number; element: HTMLElement; bar: SVGElement; spans: HTMLElement[]; base: string[] }

export interface ReadingPart extends Part {
  /** For the search: the question, the units and the answer. */
  text: Findable;
  reveal(unit: number, where?: "nearest" | "center"): void;
}

export function createReading({ own, around, signal }: Context, settled: () => void): ReadingPart {
  const content = h("div", "cotlens-content", { role: "presentation" });
  const element = h("div", "cotlens-reading", { role: "grid", tabindex: 0, "aria-readonly": "true", "data-region": "text" }, content);
  const currentId = uniqueId("unit");
  let items: Item[] = [];
  const drawn = new Map<number, Drawn>();
  /** The texts before and after the units, as far as they are drawn. */
  const beside = new Map<number, HTMLElement>();
  let marked: HTMLElement[] = [];

  const list = new VirtualList(element, content, signal, () => {
    const { first, last } = list.visible();
    const seen = items.slice(first, last + 1).flatMap((item) => (item.kind === "block" ? [item.block] : []));
    const { map } = own.now;
    mark();
    settled();
    if (seen.length) own.set({ seen: { first: map.block(seen[0] as number).first, last: map.block(seen[seen.length - 1] as number).last } });
  });

  function rebuild(): void {
    const { map } = own.now;
    drawn.clear();
    beside.clear();
    const role = (words: string): Item => ({ kind: "role", words });
    items = [
      ...(around?.prompt ? [role("prompt"), { kind: "around", text: around.prompt, role: "prompt" } as Item, role("thought")] : []),
      ...Array.from(map.blocks, (_, block): Item => ({ kind: "block", block })),
      ...(around?.answer ? [role(["answer", around.whose].filter(Boolean).join(" ")), { kind: "around", text: around.answer, role: "answer" } as Item] : []),
    ];
    setAttribute(element, "aria-label", `${map.score.unit}s of the text with their effects`);
    setAttribute(element, "aria-rowcount", items.length);
    element.scrollTop = 0;
    list.reset({ count: items.length, estimate, render: row, drop: (index) => { drawn.delete(index); beside.delete(index); } });
  }

  function estimate(index: number): number {
    const item = items[index] as Item;
    if (item.kind === "role") return 30;
    const perLine = Math.max(20, (element.clientWidth - BAR - 80) / 7.3);
    const { map } = own.now;
    const chars = item.kind === "around" ? item.text.length
      : (map.edges[map.block(item.block).last] ?? 0) - (map.edges[map.block(item.block).first] ?? 0);
    return Math.max(1, Math.ceil(chars / perLine)) * LINE + 4;
  }

  function row(index: number): HTMLElement {
    const drawnRow = render(index);
    setAttribute(drawnRow, "aria-rowindex", index + 1);
    return drawnRow;
  }

  function render(index: number): HTMLElement {
    const item = items[index] as Item;
    if (item.kind === "role") return wholeRow("cotlens-role", h("span", "cotlens-role-name", {}, item.words));
    if (item.kind === "around") {
      const text = h("p", "cotlens-text", {}, item.text.trim());
      beside.set(index, text);
      return wholeRow(`cotlens-block cotlens-${item.role}`, h("span"), h("span"), text);
    }
    return renderBlock(index, item.block);
  }

  function renderBlock(index: number, block: number): HTMLElement {
    const { map } = own.now;
    const { first, last } = map.block(block);
    const each: Drawn = { block, bar: effectBar(BAR), spans: [], base: [], element: h("div", "cotlens-block") };
    const body = h("p", "cotlens-text", { role: "presentation" });
    for (let unit = first; unit < last; unit += 1) {
      const { text, mark: sign } = shown(map.text(unit), unit === first, unit === last - 1);
      each.base.push(`cotlens-t${sign}`);
      each.spans.push(asCell(h("span", "", { "data-unit": unit }, text), map.text(unit)));
    }
    body.append(...each.spans);
    const number = map.isToken ? block : first;
    each.element.setAttribute("role", "row");
    each.element.setAttribute("aria-label", map.isToken ? `sentence ${block}` : `${map.score.unit} ${first}`);
    each.element.append(rowHead("cotlens-num", { "data-unit": first, title: map.isToken ? "first token of this sentence" : `pick this ${map.score.unit}` }, String(number)), each.bar, body);
    drawn.set(index, each);
    paint(each);
    return each.element;
  }

  function paint(each: Drawn): void {
    const { map, onlyClear } = own.now;
    const { first } = map.block(each.block);
    each.spans.forEach((span, i) => {
      const unit = first + i;
      const unsure = !onlyClear && mayBeNothing(map.certainty(unit)) ? " cotlens-ns" : "";
      const name = (each.base[i] as string) + heatClass(map.levels[unit] ?? UNMEASURED, map.score.signed) + unsure;
      if (span.className !== name) span.className = name;
    });
    const unit = map.isToken ? map.strongest(each.block, onlyClear) : first;
    each.element.classList.toggle("cotlens-token-bar", map.isToken);
    // A bar for a sentence of tokens is that of its strongest token: token effects do not add up to a sentence's.
    if (unit >= 0) drawEffect(each.bar, map.bar(unit), map.reach, map.score.signed, BAR);
    else each.bar.replaceChildren();
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

  const text: Findable = {
    text: () => parts().map((part) => part.text).join("\n"),
    reveal(char) {
      const part = partAt(char);
      if (part.index >= 0) list.reveal(part.index, "center", () => beside.get(part.index)?.getBoundingClientRect() ?? null);
      else reveal(unitAt(char - part.start), "center");
    },
    cell(char) {
      const part = partAt(char);
      if (part.index >= 0) { const element = beside.get(part.index); return element ? { element, start: part.start, piece: part.text } : null; }
      const unit = unitAt(char - part.start);
      const element = spanOf(unit);
      return element && { element, start: part.start + (own.now.map.edges[unit] ?? 0), piece: own.now.map.text(unit) };
    },
  };

  function unitAt(char: number): number {
    return Math.max(0, Math.min(own.now.map.count - 1, bisect(own.now.map.edges, char, own.now.map.count)));
  }

  function reveal(unit: number, where: "nearest" | "center" = "nearest"): void {
    list.reveal(indexOf(unit), where, () => spanOf(unit)?.getBoundingClientRect() ?? null);
  }

  function spanOf(unit: number): HTMLElement | null {
    const each = drawn.get(indexOf(unit));
    return each?.spans[unit - own.now.map.block(each.block).first] ?? null;
  }

  function mark(): void {
    for (const each of marked) {
      each.classList.remove("cotlens-cur", "cotlens-picked");
      if (each.id === currentId) letGo(each);
    }
    marked = [];
    const { picked, map } = own.now;
    const span = picked === null ? null : spanOf(picked);
    setAttribute(element, "aria-activedescendant", span ? currentId : null);
    if (picked === null || !span) return;
    const row = span.closest<HTMLElement>(".cotlens-block");
    row?.classList.add("cotlens-picked");
    if (map.isToken) span.classList.add("cotlens-cur");
    pointAt(span, currentId, map.spoken(picked));
    marked = row ? [span, row] : [span];
  }

  content.addEventListener("click", (event) => {
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
      else if (changed.has("onlyClear") || changed.has("over") || changed.has("lock")) for (const each of drawn.values()) paint(each);
      if (changed.has("picked") || changed.has("map")) mark();
    },
  };
}
