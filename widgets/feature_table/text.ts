/** The text, painted by the picked latent. Selecting a token, a stretch or a sentence filters the table. */

import { asCell, rowHead } from "../kit/text/cells";
import { button, h, onClick, setAttribute, setText, uniqueId } from "../kit/dom";
import type { Findable } from "../kit/text/find";
import { heatClass, level } from "../kit/heat/heat";
import { figure } from "../kit/numbers";
import { drawable } from "../kit/text/special";
import type { TokenRange } from "../kit/text/text";
import { TextRows, type TextRow } from "../kit/text/text-rows";
import { any, type Context, type Section } from "./context";
import type { TraceDocument } from "../kit/protocol";

const BESIDE = 90; // px
/** Tokens in one block at most: a text without sentences must not become one huge block. */
const LONGEST = 600;

interface Block extends TokenRange { name: string; role: string }
interface Row extends TextRow { block: Block }

export interface TextSection extends Section { text: Findable; focus(): void; move(by: number, extend: boolean): void; sentence(by: number): void; edge(end: boolean): void }

export function createText({ store, signal }: Context, settled: () => void): TextSection {
  const rows = new TextRows<Row>({ "aria-multiselectable": "true", "aria-label": "the text; select tokens to filter the table" }, BESIDE, signal, () => { mark(); settled(); });
  const { element, drawn } = rows;
  const currentId = uniqueId("token");
  let blocks: Block[] = [];
  let along = new Float32Array(0);
  let peak = 0;
  let dragged: number | null = null;

  function rebuild(): void {
    const { text } = store;
    blocks = [];
    const cut = (first: number, last: number, name: string, role: string): void => {
      for (let at = first; at < last; at += LONGEST) blocks.push({ first: at, last: Math.min(last, at + LONGEST), name: at === first ? name : "", role });
    };
    for (const role of ["prompt", "thought", "answer"] as const) {
      const range = text.role(role);
      if (!range || range.last <= range.first) continue;
      const inside = role === "thought" ? text.sentences.map((_, i) => i) : [];
      if (inside.length === 0) cut(range.first, range.last, role, role);
      for (const i of inside) { const { first, last } = text.sentenceTokens(i); cut(first, last, String(i), role); }
    }
    if (blocks.length === 0 && text.count > 0) cut(0, text.count, "text", "thought");
    const height = ({ first, last }: Block): number => rows.height(text.start(last) - text.start(first)) + 2;
    rows.reset(blocks.length, (index) => height(blocks[index] as Block), render);
  }

  function render(index: number): Row {
    const block = blocks[index] as Block;
    const spans: HTMLElement[] = [];
    for (let token = block.first; token < block.last; token += 1) {
      const piece = store.text.piece(token);
      spans.push(asCell(h("span", "", { "data-token": token }, visible(piece, token === block.first)), piece));
    }
    const named = block.name === "" ? h("span") : rowHead("cotlens-num", { "data-block": index, title: /^\d/.test(block.name) ? "select this sentence" : `select the ${block.name}` }, block.name);
    const element = h("div", `cotlens-block cotlens-${block.role}`, { role: "row", "aria-label": /^\d/.test(block.name) ? `sentence ${block.name}` : block.name }, named, h("p", "cotlens-text", { role: "presentation" }, ...spans));
    const row = { block, first: block.first, element, spans };
    paint(row);
    return row;
  }

  function paint({ first, spans }: Row): void {
    const { selection } = store.own.now;
    spans.forEach((span, i) => {
      const token = first + i;
      const value = along[token] ?? 0;
      const chosen = selection !== null && token >= selection.first && token < selection.last ? " cotlens-chosen" : "";
      const name = `cotlens-t${heatClass(level(value, peak), false)}${chosen}`;
      if (span.className !== name) span.className = name;
      setAttribute(span, "aria-selected", chosen === "" ? null : "true");
      setAttribute(span, "title", Number.isNaN(value) ? "not told: the SAE misses more than half of what this token holds" : value > 0 ? figure(value) : null);
    });
  }

  function colour(): void {
    const { picked } = store.own.now;
    const row = picked === null ? -1 : store.latents.rowOf(picked);
    along = store.latents.along(row) as Float32Array<ArrayBuffer>;
    peak = row < 0 ? 0 : (store.latents.max[row] as number);
    if (Number.isNaN(peak)) peak = 0;
    for (const row of drawn.values()) paint(row);
  }

  const blockOf = (token: number): number => blocks.findIndex((block) => token >= block.first && token < block.last);

  function mark(): void {
    const { selection } = store.own.now;
    for (const { spans } of drawn.values()) for (const span of spans) if (span.id === currentId) span.removeAttribute("id");
    const span = selection ? rows.cell(blockOf(selection.first), selection.first) : null;
    if (span) span.id = currentId;
    setAttribute(element, "aria-activedescendant", span ? currentId : null);
  }

  const tokenAt = (target: EventTarget | null): number | null => {
    const found = (target as Element | null)?.closest?.<HTMLElement>("[data-token]");
    return found ? Number(found.dataset["token"]) : null;
  };
  element.addEventListener("pointerdown", (event) => {
    const token = tokenAt(event.target);
    if (token === null || event.button !== 0) return;
    const { selection } = store.own.now;
    dragged = event.shiftKey && selection ? selection.first : token;
    event.preventDefault();
    element.focus({ preventScroll: true });
    const same = !event.shiftKey && selection?.first === token && selection.last === token + 1;
    store.select(same ? null : span(dragged, token));
  }, { signal });
  element.addEventListener("pointerover", (event) => {
    const token = tokenAt(event.target);
    if (dragged !== null && token !== null && (event.buttons & 1) === 1) store.select(span(dragged, token));
  }, { signal });
  addEventListener("pointerup", () => { dragged = null; }, { signal });
  element.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-block]");
    const block = button ? blocks[Number(button.dataset["block"])] : undefined;
    if (block) store.select({ first: block.first, last: block.last });
  }, { signal });

  const first = (): number => blocks[0]?.first ?? 0;
  const last = (): number => (blocks[blocks.length - 1]?.last ?? 1) - 1;
  function go(range: TokenRange, show: number): void { store.select(range); rows.reveal(blockOf(show), show); }

  return {
    element,
    text: rows.findable(() => store.text.drawn, (char) => {
      const token = store.text.tokenAt(char);
      return { row: blockOf(token), piece: token, start: store.text.start(token), text: store.text.piece(token) };
    }),
    focus() { element.focus({ preventScroll: true }); },
    move(by, extend) {
      const now = store.own.now.selection;
      if (!now) { const at = store.text.role("thought")?.first ?? first(); go({ first: at, last: at + 1 }, at); return; }
      if (extend) { const end = Math.max(now.first + 1, Math.min(last() + 1, now.last + by)); go({ first: now.first, last: end }, end - 1); return; }
      const at = Math.max(first(), Math.min(last(), (by > 0 ? now.last - 1 : now.first) + by));
      go({ first: at, last: at + 1 }, at);
    },
    sentence(by) {
      const now = store.own.now.selection;
      const at = now ? Math.max(0, Math.min(blocks.length - 1, blockOf(now.first) + by)) : Math.max(0, blocks.findIndex((block) => block.role === "thought"));
      const block = blocks[at];
      if (block) go({ first: block.first, last: block.last }, block.first);
    },
    edge(end) { const at = end ? last() : first(); go({ first: at, last: at + 1 }, at); },
    update(changed) {
      if (any(changed, "trace", "activity", "picked", "blank")) { if (changed.has("trace")) { along = new Float32Array(0); rebuild(); } colour(); }
      else if (changed.has("selection")) for (const row of drawn.values()) paint(row);
      if (any(changed, "selection", "trace")) mark();
    },
  };
}

function span(a: number, b: number): TokenRange { return { first: Math.min(a, b), last: Math.max(a, b) + 1 }; }

/** A token as it is drawn: line ends are shown, or a click could not hit them. */
function visible(piece: string, leads: boolean): string {
  const shown = drawable(piece).replace(/\n/g, "⏎");
  return leads && shown.length > 1 ? shown.replace(/^ (?! )/, "") : shown;
}

/** Of a text that was edited and awaits its rerun: what of it is not what the model would write. "" of others. */
export function unrunWords(document: TraceDocument | null): string {
  const at = document?.rerun_at ?? null;
  if (at === null) return "";
  if (document?.edit?.kind === "truncate") return "The thought was cut and not rerun: the model has not gone on from there.";
  return `Edited and not rerun: from token ${at} on this is the text before the edit, and so is its answer.`;
}

/** The lines over the text: how it came about where that matters, and whose activations are painted. */
export function createCaption({ store, signal }: Context): Section {
  const words = h("span", "cotlens-words");
  const poor = h("span", "cotlens-small cotlens-muted cotlens-poor");
  const sample = h("i", "cotlens-sample-none", { "aria-hidden": "true" });
  const blank = button("cotlens-link", "", { "data-action": "blank" });
  onClick(blank, signal, () => store.arrange({ blank: !store.own.now.blank }));
  const toggle = h("span", "cotlens-label cotlens-small cotlens-muted", { title: "The SAE misses more than half of what these tokens hold: what its latents say there may not be what the model does." }, sample, poor, blank);
  const unrun = h("p", "cotlens-warning", { role: "note", "data-note": "unrun" });
  const element = h("div", "cotlens-caption", {}, unrun, words, toggle);
  return {
    element,
    update(changed) {
      if (!any(changed, "picked", "activity", "trace", "blank", "job")) return;
      setText(unrun, unrunWords(store.document));
      unrun.hidden = unrun.textContent === "";
      const { picked } = store.own.now;
      const row = picked === null ? -1 : store.latents.rowOf(picked);
      const label = row < 0 ? "" : store.latents.labels[row];
      setText(words, !store.read ? (store.running ? "reading the latents of this text" : "the latents of this text were not read")
        : picked === null ? "Pick a latent to paint the text with it; select text to see what is active there."
          : row < 0 ? `latent ${picked} is not active in this text`
            : `latent ${picked}${label ? ` (${label})` : ""}, painted on the text; full colour at ${figure(store.latents.max[row] as number)}`);
      const count = store.latents.poorCount;
      toggle.style.visibility = count > 0 ? "" : "hidden";
      setText(poor, `reconstruction is poor at ${count.toLocaleString("en-US")} ${count === 1 ? "token" : "tokens"}`);
      setText(blank, store.own.now.blank ? "tell them anyway" : "leave them out");
      setAttribute(blank, "aria-pressed", String(!store.own.now.blank));
    },
  };
}
