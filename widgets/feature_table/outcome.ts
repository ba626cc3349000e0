/** What a change did: both answers, the difference of the texts; and while the model writes, what it writes. */

import { beforeAfterBars } from "../kit/controls/bars";
import { cut } from "../kit/text/cut";
import { trimSame } from "../kit/text/diff";
import { button, h, onClick, setAttribute, setText } from "../kit/dom";
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

/** One message over the table: an error with its remedy, or why an action is off. */
export function createNotice({ store, signal }: Context): Part {
  const words = h("span", "cotlens-notice-words");
  const close = button("cotlens-button", "Dismiss", { "data-action": "dismiss" });
  const element = h("div", "cotlens-notice", { role: "alert", hidden: true }, words, close);
  onClick(close, signal, () => store.own.set({ notice: null }));
  return {
    element,
    update(changed) {
      if (!changed.has("notice")) return;
      const { notice } = store.own.now;
      element.hidden = notice === null;
      setText(words, notice?.message ?? "");
      setAttribute(element, "data-tone", notice?.error ? "error" : "info");
    },
  };
}
