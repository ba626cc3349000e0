/** Draws one text block: number, bar, token spans. Painting changes classes only. */

import { asCell, rowHead } from "../../kit/text/cells";
import { cut, shortened } from "../../kit/text/cut";
import { h } from "../../kit/dom";
import { drawEffect, effectBar } from "../../kit/heat/effect-bar";
import { heatClass, UNMEASURED } from "../../kit/heat/heat";
import { drawable, shown } from "../../kit/text/special";
import { drawLatents } from "../latents/chips";
import type { Block } from "./blocks";
import type { Store } from "../store";

export type TextBlock = Extract<Block, { kind: "text" }>;

export interface Drawn { block: TextBlock; element: HTMLElement; spans: HTMLElement[]; base: string[]; bar: SVGElement | null }

const TOKEN = ((): HTMLElement | null => (typeof document === "undefined" ? null : h("span", "cotlens-t", { role: "gridcell" })))();

const WIDTH = 54;

/** Builds the element of a text block; paint() then gives it heat and marks. */
export function drawBlock(block: TextBlock, store: Store): Drawn {
  if (block.latents) return { block, bar: null, ...drawLatents(block, store) };
  const { text, payload } = store;
  const body = h("p", "cotlens-text", { role: "presentation" });
  const spans: HTMLElement[] = [];
  const base: string[] = [];
  const edit = payload.document?.edit ?? null;
  const added = edit && edit.kind !== "truncate" && edit.end > edit.at ? text.covering(edit.at, edit.end) : null;
  // An edit may begin inside a token, after its leading space: the old text then stands before that token.
  const struckAt = edit && edit.kind !== "truncate" && edit.old !== "" ? (added?.first ?? text.tokenFrom(edit.at)) : -1;
  const lastPiece = block.last - 1;
  for (let token = block.first; token < block.last; token += 1) {
    if (token === struckAt && edit) body.append(struck(edit.old));
    const { text: visible, mark } = shown(text.piece(token), token === block.first, token === lastPiece);
    const span = (TOKEN as HTMLElement).cloneNode(false) as HTMLElement;
    span.textContent = visible;
    asCell(span, text.piece(token));
    span.dataset["token"] = String(token);
    const isNew = added !== null && token >= added.first && token < added.last;
    base.push(`cotlens-t${mark}${isNew ? " cotlens-ins" : ""}`);
    spans.push(span);
    body.append(span);
  }
  if (struckAt === block.last && edit) body.append(struck(edit.old));
  const bar = block.sentence >= 0 && block.opens ? effectBar(WIDTH) : null;
  bar?.classList.add("cotlens-bar");
  const number = block.sentence >= 0 && block.opens
    ? rowHead("cotlens-num", { "data-sentence": block.sentence, title: "pick this sentence" }, String(block.sentence))
    : h("span", "cotlens-num");
  const element = h("div", `cotlens-block cotlens-${block.role}${block.folded ? " cotlens-folded" : ""}`, {
    role: "row", "aria-label": block.sentence >= 0 ? `sentence ${block.sentence}` : block.role,
  }, number, bar ?? h("span", "cotlens-bar"), body);
  return { block, element, spans, base, bar };
}

/** Old text, struck; long stretches are cut, the whole stands in the title. */
function struck(old: string): HTMLElement {
  return h("del", "cotlens-del", { title: `was: ${drawable(cut(old, 2000))}` }, drawable(shortened(old, 160)).replace(/\n/g, "⏎"));
}

/** Heat, picked token, and what lies after the stop. */
export function paint(drawn: Drawn, store: Store): void {
  const { block, spans, base } = drawn;
  const { levels, own, payload } = store;
  const signed = payload.shading?.signed ?? true;
  const inThought = block.role === "thought";
  const found = own.underlined ? store.found(block.first, block.last).map((each) => ({ ...each, at: store.text.covering(each.start, each.end) })) : [];
  for (let i = 0; i < spans.length; i += 1) {
    const token = block.first + i;
    const here = found.filter(({ at }) => at.first <= token && token < at.last);
    const step = payload.shading === null || (!inThought && levels[token] === UNMEASURED) ? 0 : (levels[token] as number);
    const name = (base[i] as string) + heatClass(step, signed) + (payload.shading !== null && store.unsure(token) ? " cotlens-ns" : "")
      + (here.length === 0 ? "" : ` cotlens-underlined${here.some(({ severity }) => severity > 1) ? " cotlens-underlined-severe" : ""}${here.every(({ guess }) => guess) ? " cotlens-underlined-guess" : ""}`);
    const span = spans[i] as HTMLElement;
    if (span.className !== name) span.className = name;
  }
  paintBar(drawn, store);
  paintStop(drawn, own.stop, store);
}

/** A row that is the sentence, or begins with it, has its bar with the interval; of smaller ones the strongest stands, thin. */
function paintBar({ bar, block, element }: Drawn, store: Store): void {
  if (!bar) return;
  const { shading, shading_values: values, shading_low: low, shading_high: high } = store.payload;
  const { first, last } = store.text.sentenceTokens(block.sentence);
  const rows = shading ? store.rowsIn(first, last) : [];
  const whole = shading !== null && (shading.unit === "sentence" || shading.unit === "paragraph");
  element.classList.toggle("cotlens-token-bar", !whole);
  const begun = whole && first > 0 && store.shadingIndex(first - 1) === rows[0];
  if (!shading || rows.length === 0 || begun) { bar.replaceChildren(); return; }
  const size = (row: number): number => Math.abs(values[row] ?? 0) || 0;
  const row = rows.reduce((best, each) => (size(each) > size(best) ? each : best), rows[0] as number);
  const [a, b] = whole ? [low[row] ?? NaN, high[row] ?? NaN] : [NaN, NaN];
  drawEffect(bar, { value: values[row] ?? NaN, low: a, high: b, certainty: store.certainty(row) }, store.scale.scale, shading.signed, WIDTH);
}

/** Dims what lies after the stop: whole blocks by one class, tokens only in the block that holds it. */
export function paintStop({ block, element, spans }: Drawn, stop: number | null, store: Store): void {
  const end = store.text.role("thought")?.last ?? 0;
  const at = stop ?? Infinity;
  const whole = block.role === "answer" ? stop !== null && stop < end : block.role === "thought" && block.first >= at;
  element.classList.toggle("cotlens-dim", whole);
  const partly = !whole && block.role === "thought" && block.last > at;
  if (!partly && !element.classList.contains("cotlens-partly")) return;
  element.classList.toggle("cotlens-partly", partly);
  for (let i = 0; i < spans.length; i += 1) (spans[i] as HTMLElement).classList.toggle("cotlens-dimmed", partly && block.first + i >= at);
}
