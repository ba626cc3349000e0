/**
 * Draws one document as running text, one span per token, and marks stretches of it. No grid of rows as in
 * `kit/text/text-rows.ts`: what is marked runs over sentences, what is being written is appended, and all of it is there at once.
 */

import { button, h, setAttribute, setText } from "../../kit/dom";
import type { Role, TextModel } from "../../kit/text/text";
import { covered, type Stretch } from "./difference";

const ROLES: readonly Role[] = ["prompt", "thought", "answer"];
/** Sentences that are drawn as one paragraph: far ones are then not laid out. */
const TOGETHER = 40;
const LONG_PROMPT = 120; // characters

export class TextView {
  readonly element = h("div", "cotlens-body");
  private text: TextModel | null = null;
  private unfold: HTMLButtonElement | null = null;
  private spans: (HTMLElement | undefined)[] = [];
  private marked: HTMLElement[] = [];
  private picked: HTMLElement[] = [];

  /** Draws tokens up to `last`; the same text again costs nothing. */
  show(text: TextModel | null, last = Infinity): void {
    if (text !== null && text === this.text && last === Infinity) return;
    this.text = last === Infinity ? text : null;
    this.spans = [];
    this.marked = [];
    this.picked = [];
    if (text === null) { this.element.replaceChildren(); return; }
    this.element.replaceChildren(...ROLES.flatMap((role) => this.role(text, role, last)));
  }

  /** Appends what is being written after the drawn tokens. */
  tail(runs: readonly Node[]): void {
    this.element.querySelector(".cotlens-tail-text")?.remove();
    const paragraph = [...this.element.querySelectorAll(".cotlens-text")].pop() ?? this.element.appendChild(h("p", "cotlens-text"));
    paragraph.append(h("span", "cotlens-tail-text", {}, ...runs));
  }

  mark(stretches: readonly Stretch[], className: string): void {
    for (const span of this.marked) span.classList.remove(className);
    this.marked = [];
    if (!this.text) return;
    for (const { first, last } of covered(this.text, stretches)) {
      for (let token = first; token < last; token += 1) {
        const span = this.spans[token];
        if (span) { span.classList.add(className); this.marked.push(span); }
      }
    }
  }

  pick(first: number, last: number): void {
    for (const span of this.picked) span.classList.remove("cotlens-cur");
    this.picked = this.spans.slice(first, last).filter((span) => span !== undefined);
    for (const span of this.picked) span.classList.add("cotlens-cur");
  }

  span(token: number): HTMLElement | undefined { return this.spans[token]; }

  /** Brings a token into view; one in a folded paragraph unfolds it. */
  reveal(token: number): void {
    const span = this.spans[token];
    if (span?.closest(".cotlens-folded")) this.unfold?.click();
    span?.scrollIntoView({ block: "nearest" });
  }

  private role(text: TextModel, role: Role, until: number): HTMLElement[] {
    const range = text.role(role);
    if (!range || range.first >= until) return [];
    const head = h("div", "cotlens-role", {}, h("span", "cotlens-role-name", {}, role));
    const folds = role === "prompt" && text.slice(range).length > LONG_PROMPT;
    const paragraphs = this.cuts(text, role, range).map(({ first, last }) => {
      const spans: HTMLElement[] = [];
      for (let token = first; token < Math.min(last, until); token += 1) spans.push(this.token(text, token));
      return h("p", `cotlens-text cotlens-${role}${folds ? " cotlens-folded" : ""}`, {}, ...spans);
    });
    if (folds) head.append(this.folding(paragraphs));
    return [head, ...paragraphs.filter((each) => each.childElementCount > 0)];
  }

  /** Unfolds what is folded to two lines, and back. */
  private folding(paragraphs: readonly HTMLElement[]): HTMLElement {
    const toggle = button("cotlens-link", "show all", { "aria-expanded": "false" });
    this.unfold = toggle;
    toggle.addEventListener("click", () => {
      const folded = paragraphs.map((each) => each.classList.toggle("cotlens-folded")).every(Boolean);
      setText(toggle, folded ? "show all" : "fold");
      setAttribute(toggle, "aria-expanded", String(!folded));
    });
    return toggle;
  }

  /** Where a role is cut into paragraphs. */
  private cuts(text: TextModel, role: Role, range: { first: number; last: number }): { first: number; last: number }[] {
    if (role !== "thought" || text.sentences.length <= TOGETHER) return [range];
    const begins = text.sentences.map((_, i) => text.sentenceTokens(i).first).filter((_, i) => i > 0 && i % TOGETHER === 0);
    return [range.first, ...begins].map((first, i) => ({ first, last: begins[i] ?? range.last }));
  }

  private token(text: TextModel, token: number): HTMLElement {
    const span = h("span", "cotlens-t", { "data-token": token }, text.piece(token));
    this.spans[token] = span;
    return span;
  }
}
