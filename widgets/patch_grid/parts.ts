/** Around the grid: branches and the job, one message, and what a patch did. */

import { beforeAfterBars } from "../kit/controls/bars";
import { chip } from "../kit/controls/chip";
import { createCodePanel } from "../kit/controls/code";
import { cut } from "../kit/text/cut";
import { trimSame } from "../kit/text/diff";
import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { any, type Part as PartOf } from "../kit/part";
import { counted, farWords, followProgress } from "../kit/controls/progress";
import type { Key, Store } from "./store";

export type Part = PartOf<Key>;

/** Branches shown; older ones are reached by going back. */
const SHOWN = 4;
/** Characters shown of what is being written. */
const LATEST = 600;

export function createBranches(store: Store, root: HTMLElement, signal: AbortSignal): Part {
  const code = createCodePanel(signal, () => ({ code: store.get("code"), codeOpen: store.own.now.codeOpen }), (codeOpen) => store.own.set({ codeOpen }));
  root.addEventListener("cotlens-copy", () => void code.copyNow(), { signal });
  const chips = h("span", "cotlens-chips", { role: "list", "aria-label": "branches, newest last" });
  const status = h("span", "cotlens-status", { role: "status", "aria-live": "polite" });
  const progress = h("progress", "cotlens-progress", { max: 1, "aria-label": "progress" });
  const cancel = button("cotlens-button", "Cancel", { "data-action": "cancel" });
  onClick(cancel, signal, () => store.abandon());
  const element = h("div", "", {}, h("div", "cotlens-head cotlens-work", {}, chips, h("span", "cotlens-job", {}, status, progress, cancel, code.opener)), code.panel);
  const spent = followProgress(signal, () => store.running, drawJob);

  function drawBranches(): void {
    const { branches } = store;
    const current = branches.findIndex((branch) => branch.current);
    const from = Math.max(0, Math.min(branches.length - SHOWN, current));
    chips.replaceChildren(...branches.slice(from, from + SHOWN).map((branch) => {
      const made = chip(branch);
      setAttribute(made, "data-branch", branch.id);
      setOff(made, store.off(), branch.answer === null ? branch.label : `${branch.label}, answer ${branch.answer}`);
      onClick(made, signal, () => { if (!branch.current) store.ask({ kind: "goto", branch: branch.id }); });
      return h("span", "cotlens-crumb", { role: "listitem" }, made);
    }));
  }

  function drawJob(): void {
    const { job, running, stream } = store;
    const words = job.state === "queued" ? `waiting to start: ${job.label}` : running ? `${job.label}${farWords(job, stream)}${spent.left(job)}`
      : job.state === "cancelled" ? (job.message ?? `cancelled: ${job.label}`) : job.state === "error" ? `error: ${job.label}` : "";
    const off = store.off();
    setText(status, off === null ? words : "read only");
    setAttribute(status, "title", (off ?? words) || null);
    cancel.hidden = !running;
    spent.show(progress, running, counted(job, stream));
  }

  return {
    element,
    update(changed) {
      if (any(changed, "branches", "job", "broken")) drawBranches();
      if (changed.has("job")) spent.heard();
      if (any(changed, "job", "outcome", "broken")) drawJob();
      if (any(changed, "code", "codeOpen")) code.draw();
    },
  };
}

/** What a patch did: both answers, the difference of the texts; and while the model writes, what it writes. */
export function createOutcome(store: Store): Part {
  const element = h("section", "cotlens-outcome", { "aria-label": "before and after", "data-region": "outcome", hidden: true });

  function draw(): void {
    const { comparison, stream } = store;
    element.hidden = comparison === null && stream === null;
    if (stream !== null && store.running) {
      element.replaceChildren(h("div", "", {}, h("h4", "cotlens-title", {}, "The model writes"), h("p", "cotlens-diff cotlens-ins", {}, cut(stream.text, -LATEST))));
      return;
    }
    if (!comparison) { element.hidden = true; return; }
    const pieces = trimSame(comparison.diff).map(({ op, text }) => (op === "same" ? text : h(op === "del" ? "del" : "ins", op === "del" ? "cotlens-del" : "cotlens-ins", {}, text)));
    const differs = comparison.diff.some((change) => change.op !== "same");
    element.replaceChildren(
      h("div", "cotlens-answers", {}, h("h4", "cotlens-title", {}, "Answer, before and after the patch"),
        comparison.rows.length ? beforeAfterBars(comparison.rows) : h("p", "cotlens-small cotlens-muted", {}, "No answer could be read to compare."),
        h("p", "cotlens-small cotlens-muted", {}, comparison.note)),
      h("div", "", {}, h("h4", "cotlens-title", {}, "Difference in text"), h("p", "cotlens-diff", { tabindex: 0, "aria-label": "difference in text" }, ...(differs ? pieces : ["none"]))));
  }

  return { element, update(changed) { if (any(changed, "outcome", "job")) draw(); } };
}
