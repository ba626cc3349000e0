/** Below a view: what a change did to the answer and to the text; and while the model writes, what it writes. */

import { h } from "../dom";
import type { Change, Comparison, Piece } from "../protocol";
import { cut } from "../text/cut";
import { trimSame } from "../text/diff";
import { beforeAfterBars } from "./bars";

/** Characters shown of what is being written. */
const LATEST = 600;

/** The difference of two texts, with what went and what came marked. */
export function markedChanges(changes: Change[]): (string | HTMLElement)[] {
  return trimSame(changes).map(({ op, text }) => (op === "same" ? text : h(op === "del" ? "del" : "ins", op === "del" ? "cotlens-del" : "cotlens-ins", {}, text)));
}

export function createBeforeAfter(): { element: HTMLElement; draw(comparison: Comparison | null, written: Piece | null): void } {
  const element = h("section", "cotlens-outcome", { "aria-label": "before and after", "data-region": "outcome", hidden: true });
  return {
    element,
    draw(comparison, written) {
      element.hidden = comparison === null && written === null;
      element.replaceChildren(...(written ? writing(written) : comparison ? compared(comparison) : []));
    },
  };
}

function writing({ text }: Piece): HTMLElement[] {
  return [h("div", "", {}, h("h4", "cotlens-title", {}, "The model writes"), h("p", "cotlens-diff cotlens-ins", {}, cut(text, -LATEST)))];
}

function compared({ rows, note, diff }: Comparison): HTMLElement[] {
  const differs = diff.some((change) => change.op !== "same");
  return [
    h("div", "cotlens-answers", {}, h("h4", "cotlens-title", {}, "Answer, before and after"),
      rows.length ? beforeAfterBars(rows) : h("p", "cotlens-small cotlens-muted", {}, "No answer could be read to compare."),
      h("p", "cotlens-small cotlens-muted", {}, note)),
    h("div", "", {}, h("h4", "cotlens-title", {}, "Difference in text"), h("p", "cotlens-diff", { tabindex: 0, "aria-label": "difference in text" }, ...(differs ? markedChanges(diff) : ["none"]))),
  ];
}
