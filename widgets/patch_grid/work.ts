/** Around the grid: branches and the job, one message, and what a patch did. */

import { createBeforeAfter } from "../kit/controls/before-after";
import { chip } from "../kit/controls/chip";
import { createCodePanel } from "../kit/controls/code";
import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { any, type Section as SectionOf } from "../kit/section";
import { counted, farWords, followProgress } from "../kit/controls/progress";
import type { Key, Store } from "./store";

export type Section = SectionOf<Key>;

/** Branches shown; older ones are reached by going back. */
const SHOWN = 4;

export function createBranches(store: Store, root: HTMLElement, signal: AbortSignal): Section {
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

/** What a patch did. */
export function createOutcome(store: Store): Section {
  const { element, draw } = createBeforeAfter();
  return { element, update(changed) { if (any(changed, "outcome", "job")) draw(store.comparison, store.running ? store.stream : null); } };
}
