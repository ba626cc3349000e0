/** Bars for probabilities: alternatives that can be clicked, and answers before and after. */

import { h, setAttribute, setOff, setText } from "../dom";
import { probability, quoted, shortProbability } from "../numbers";
import type { BeforeAfter } from "../protocol";

export interface Choice { text: string; p: number; chosen: boolean; off: string | null; pick: () => void }

/** Rows are kept and refilled, so that a new token shifts nothing. `room` rows are always there. */
export class ChoiceBars {
  readonly element = h("div", "cotlens-choices", { role: "group", "aria-label": "what the model would have said" });
  private readonly rows: { row: HTMLButtonElement; text: HTMLElement; bar: HTMLElement; p: HTMLElement; what: HTMLElement }[] = [];
  private choices: (Choice | null)[] = [];

  constructor(private readonly room: number, signal: AbortSignal) {
    this.element.addEventListener("click", (event) => {
      const row = (event.target as Element).closest("button");
      const choice = this.choices[this.rows.findIndex((each) => each.row === row)];
      if (choice && choice.off === null && !choice.chosen) choice.pick();
    }, { signal });
    this.show([]);
  }

  /** Fewer choices than rows leave empty rows; `waiting` shows grey bones in them. */
  show(choices: Choice[], waiting = false): void {
    this.choices = choices;
    const count = Math.max(this.room, choices.length);
    while (this.rows.length < count) this.add();
    this.rows.forEach(({ row, text, bar, p, what }, i) => {
      const choice = choices[i];
      row.hidden = i >= count;
      row.classList.toggle("cotlens-bones", choice === undefined && waiting);
      row.classList.toggle("cotlens-chosen", choice?.chosen ?? false);
      row.style.visibility = choice || waiting ? "" : "hidden";
      row.disabled = choice === undefined;
      setText(text, choice ? quoted(choice.text) : "");
      setText(p, choice ? probability(choice.p) : "");
      bar.style.transform = `scaleX(${choice && choice.p > 0 ? Math.max(0.006, choice.p) : 0})`;
      setOff(row, choice?.chosen ? null : (choice?.off ?? null), choice ? (choice.chosen ? "this is what stands here" : `branch: write ${quoted(choice.text)} here and rerun`) : "");
      setText(what, choice ? (choice.chosen ? ", stands here" : ", branch here") : "");
      // What is still awaited is nothing to press, and has no name yet.
      setAttribute(row, "aria-hidden", choice ? null : "true");
      setAttribute(row, "data-token-text", choice ? choice.text : null);
    });
  }

  private add(): void {
    const text = h("span", "cotlens-choice-text");
    const bar = h("i", "cotlens-fill");
    const p = h("span", "cotlens-number");
    // The name is what is seen, with words between for those who hear it.
    const what = h("span", "cotlens-unseen");
    const row = h("button", "cotlens-choice", { type: "button" }, text, h("span", "cotlens-unseen", {}, ", probability "), h("span", "cotlens-groove", {}, bar), p, what);
    this.rows.push({ row, text, bar, p, what });
    this.element.append(row);
  }
}

const shownP = (p: number | null): string => (p === null ? "—" : shortProbability(p));

/** One row per answer: the old probability as an outline, the new one filled. */
export function beforeAfterBars(rows: BeforeAfter[]): HTMLElement {
  return h("div", "cotlens-pairs", {}, ...rows.map(({ answer, before, after }) => {
    const old = h("u", "cotlens-before");
    const now = h("i", "cotlens-now");
    old.style.width = `${100 * Math.max(0, Math.min(1, before ?? 0))}%`;
    now.style.width = `${100 * Math.max(0, Math.min(1, after ?? 0))}%`;
    old.hidden = before === null;
    return h("div", "cotlens-pair", { "aria-label": `answer ${answer}: before ${shownP(before)}, after ${shownP(after)}`, role: "img" },
      h("span", "cotlens-pair-name", { title: answer }, answer), h("span", "cotlens-groove", {}, now, old),
      h("span", "cotlens-number", {}, `${shownP(before)} → ${shownP(after)}`));
  }));
}
