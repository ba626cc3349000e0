/** What a change did: both answers, the difference of the texts; and while the model writes, what it writes. */

import { beforeAfterBars } from "../kit/controls/bars";
import { cut } from "../kit/text/cut";
import { trimSame } from "../kit/text/diff";
import { h } from "../kit/dom";
import { any, type Context, type Part } from "./part";

/** Characters shown of what is being written. */
const LATEST = 600;

export function createOutcome({ store }: Context): Part {
  const element = h("section", "cotlens-outcome", { "aria-label": "before and after", "data-region": "outcome", hidden: true });

  function draw(): void {
    const { comparison, stream } = store;
    element.hidden = comparison === null && stream === null;
    if (stream !== null) {
      element.replaceChildren(h("div", "", {}, h("h4", "cotlens-title", {}, "The model writes"), h("p", "cotlens-diff cotlens-ins", {}, cut(stream.text, -LATEST))));
      return;
    }
    if (!comparison) return;
    const pieces = trimSame(comparison.diff).map(({ op, text }) => (op === "same" ? text : h(op === "del" ? "del" : "ins", op === "del" ? "cotlens-del" : "cotlens-ins", {}, text)));
    const differs = comparison.diff.some((change) => change.op !== "same");
    element.replaceChildren(
      h("div", "cotlens-answers", {}, h("h4", "cotlens-title", {}, "Answer, before and after"),
        comparison.rows.length ? beforeAfterBars(comparison.rows) : h("p", "cotlens-small cotlens-muted", {}, "No answer could be read to compare."),
        h("p", "cotlens-small cotlens-muted", {}, comparison.note)),
      h("div", "", {}, h("h4", "cotlens-title", {}, "Difference in text"), h("p", "cotlens-diff", { tabindex: 0, "aria-label": "difference in text" }, ...(differs ? pieces : ["none"]))));
  }

  return { element, update(changed) { if (any(changed, "outcome", "trace")) draw(); } };
}
