/** Draws one text block: number, bar, token spans. Painting changes classes only. */

import { h, svg } from "../kit/dom";
import { heatClass, UNMEASURED } from "../kit/heat";
import type { Block } from "./blocks";
import type { Store } from "./store";

export type TextBlock = Extract<Block, { kind: "text" }>;

export interface Drawn { block: TextBlock; element: HTMLElement; spans: HTMLElement[]; base: string[]; bar: SVGElement | null }

const TOKEN = ((): HTMLElement | null => (typeof document === "undefined" ? null : h("span", "cotlens-t", { role: "option" })))();

/** What a token shows, and the class that stands for characters it does not show. */
export function shown(piece: string, atStart: boolean, atEnd: boolean): { text: string; mark: string } {
  let text = piece;
  let mark = "";
  if (atEnd && /\s*\n\s*$/.test(text)) { text = text.replace(/\s*\n\s*$/, ""); mark = " cotlens-nl"; }
  else if (text.includes("\n")) mark = " cotlens-midnl";
  if (atStart && text.startsWith(" ") && !text.startsWith("  ")) text = text.slice(1);
  if (text === "" && mark === "") mark = piece === "" ? " cotlens-empty" : " cotlens-blank";
  return { text, mark };
}

const HALF = 27;

/** A bar about zero with its interval: left lowers, right raises. Lengths are shares of the scale, clipped. */
export function drawBar(bar: SVGElement, value: number, low: number, high: number, scale: number, signed: boolean): void {
  const half = HALF;
  const zero = signed ? half : 1;
  const room = signed ? half - 2 : 2 * half - 3;
  const x = (v: number): number => zero + Math.max(signed ? -1 : 0, Math.min(1, v / scale)) * room;
  bar.replaceChildren(svg("line", { class: "cotlens-bar-zero", x1: zero, x2: zero, y1: 2, y2: 18 }));
  if (Number.isNaN(value) || !(scale > 0)) {
    bar.append(svg("line", { class: "cotlens-bar-none", x1: zero - 6 * (signed ? 1 : 0), x2: zero + 6, y1: 10, y2: 10 }));
    return;
  }
  const [from, to] = [Math.min(zero, x(value)), Math.max(zero, x(value))];
  const sign = !signed ? "cotlens-bar-amount" : value < 0 ? "cotlens-bar-down" : "cotlens-bar-up";
  bar.append(svg("rect", { class: sign, x: from, y: 6, width: Math.max(0.75, to - from), height: 8, rx: 1 }));
  if (Math.abs(value) > scale) {
    // Longer than the scale: an open end says so.
    const edge = value > 0 ? to : from;
    const away = value > 0 ? -3 : 3;
    bar.append(svg("path", { class: "cotlens-bar-clip", d: `M${edge + away} 5l${-away} 5l${away} 5` }));
  }
  if (!Number.isNaN(low) && !Number.isNaN(high) && high > low) {
    bar.append(svg("path", { class: "cotlens-bar-interval", d: `M${x(low)} 10H${x(high)}M${x(low)} 7.5v5M${x(high)} 7.5v5` }));
  }
}

/** Builds the element of a text block; paint() then gives it heat and marks. */
export function drawBlock(block: TextBlock, store: Store): Drawn {
  const { text, payload } = store;
  const body = h("p", "cotlens-text");
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
    span.dataset["token"] = String(token);
    const isNew = added !== null && token >= added.first && token < added.last;
    base.push(`cotlens-t${mark}${isNew ? " cotlens-ins" : ""}`);
    spans.push(span);
    body.append(span);
  }
  if (struckAt === block.last && edit) body.append(struck(edit.old));
  const bar = block.sentence >= 0 && block.opens ? svg("svg", { class: "cotlens-bar", viewBox: "0 0 54 20", "aria-hidden": "true" }) : null;
  const number = block.sentence >= 0 && block.opens
    ? h("button", "cotlens-num", { type: "button", tabindex: -1, "data-sentence": block.sentence, title: "pick this sentence" }, String(block.sentence))
    : h("span", "cotlens-num");
  const element = h("div", `cotlens-block cotlens-${block.role}${block.folded ? " cotlens-folded" : ""}`, {
    role: "group", "aria-label": block.sentence >= 0 ? `sentence ${block.sentence}` : block.role,
  }, number, bar ?? h("span", "cotlens-bar"), body);
  return { block, element, spans, base, bar };
}

/** Old text, struck; long stretches are cut, the whole stands in the title. */
function struck(old: string): HTMLElement {
  const shownText = old.length > 160 ? `${old.slice(0, 160)}…` : old;
  return h("del", "cotlens-del", { title: `was: ${old.slice(0, 2000)}` }, shownText.replace(/\n/g, "⏎"));
}

/** Heat, picked token, and what lies after the stop. */
export function paint(drawn: Drawn, store: Store): void {
  const { block, spans, base } = drawn;
  const { levels, own, payload } = store;
  const signed = payload.shading?.signed ?? true;
  const inThought = block.role === "thought";
  const crossing = crossings(store, block);
  for (let i = 0; i < spans.length; i += 1) {
    const token = block.first + i;
    const step = payload.shading === null || (!inThought && levels[token] === UNMEASURED) ? 0 : (levels[token] as number);
    const name = (base[i] as string) + heatClass(step, signed) + (crossing?.[i] ? " cotlens-ns" : "");
    const span = spans[i] as HTMLElement;
    if (span.className !== name) span.className = name;
  }
  paintBar(drawn, store);
  paintStop(drawn, own.stop, store);
}

/** Tokens whose interval includes 0; null when there are no intervals. */
function crossings(store: Store, block: TextBlock): Uint8Array | null {
  const { shading, shading_low: low, shading_high: high } = store.payload;
  if (!shading || low.length === 0 || high.length === 0) return null;
  const out = new Uint8Array(block.last - block.first);
  for (let i = 0; i < out.length; i += 1) {
    const index = store.shadingIndex(block.first + i);
    const [a, b] = [low[index] ?? NaN, high[index] ?? NaN];
    // Written so that NaN, which is "no interval", is not a crossing.
    if (a <= 0 && b >= 0 && b > a) out[i] = 1;
  }
  return out;
}

function paintBar({ bar, block, element }: Drawn, store: Store): void {
  if (!bar) return;
  const { shading, shading_values: values, shading_low: low, shading_high: high } = store.payload;
  element.classList.toggle("cotlens-token-bar", shading?.spans === "token");
  if (!shading) { bar.replaceChildren(); return; }
  if (shading.spans === "sentence") {
    drawBar(bar, values[block.sentence] ?? NaN, low[block.sentence] ?? NaN, high[block.sentence] ?? NaN, shading.scale, shading.signed);
    return;
  }
  // With token shading the bar shows the strongest token: token effects do not add up to a sentence's.
  const { first, last } = store.text.sentenceTokens(block.sentence);
  let strongest = NaN;
  for (let token = first; token < last; token += 1) {
    const value = values[token] ?? NaN;
    if (!Number.isNaN(value) && (Number.isNaN(strongest) || Math.abs(value) > Math.abs(strongest))) strongest = value;
  }
  drawBar(bar, strongest, NaN, NaN, shading.scale, shading.signed);
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
