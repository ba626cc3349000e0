/** The head: model, where it runs, the branch trail, and what the model is doing. */

import { chip } from "../kit/controls/chip";
import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { menu } from "../kit/controls/menu";
import { count, probability } from "../kit/numbers";
import { counted, farWords, followProgress } from "../kit/controls/progress";
import { createChoices } from "./shading/choices";
import { createLimits } from "./shading/limits";
import { any, type Context, type Section } from "./context";
import type { BranchInfo } from "./state";
import { fillTree } from "./tree";

/** Chips shown before the older ones fold into the menu. */
const SHOWN = 5;

export function branchTitle(branch: BranchInfo): string {
  if (branch.awaits_rerun) return `${branch.label}. The model has not gone on from this edit, so it has no answer yet.`;
  if (branch.answer === null) return `${branch.label}. No answer read yet.`;
  return `${branch.label}. Answer ${branch.answer}${branch.p === null ? "" : `, probability ${probability(branch.p)}`}.`;
}

/** The newest SHOWN branches; the current one always among them. */
export function trail(branches: BranchInfo[]): BranchInfo[] {
  const newest = branches.slice(-SHOWN);
  const current = branches.find((branch) => branch.current);
  return current && !newest.includes(current) ? [current, ...newest.slice(1)] : newest;
}

export function createHead(context: Context): Section {
  const { store, actions, signal } = context;
  const choices = createChoices(context);
  const model = h("b", "cotlens-model");
  const where = h("span", "cotlens-muted cotlens-where");
  const chips = h("span", "cotlens-chips", { role: "list", "aria-label": "branches, newest last" });
  const limits = createLimits(context);
  const tree = menu("cotlens-button cotlens-quiet", "", signal, (panel) => {
    fillTree(panel, store.payload.branches, (id) => { tree.close(); tree.opener.focus(); actions.goto(id); });
  });
  const status = h("span", "cotlens-status", { role: "status", "aria-live": "polite" });
  const progress = h("progress", "cotlens-progress", { max: 1, "aria-label": "progress" });
  const cancel = button("cotlens-button", "Cancel", { "data-action": "cancel" });
  onClick(cancel, signal, () => actions.cancel());
  const job = h("span", "cotlens-job", {}, status, progress, cancel);
  const element = h("div", "cotlens-head", {}, h("span", "cotlens-name", {}, model, where), choices.element,
    h("span", "cotlens-trail", {}, tree.element, chips), limits.element, job);

  function drawTrail(): void {
    const { branches } = store.payload;
    const shown = trail(branches);
    chips.replaceChildren(...shown.map((branch) => {
      const made = chip(branch);
      setAttribute(made, "data-branch", branch.id);
      setOff(made, branch.current ? null : store.lost, branchTitle(branch));
      onClick(made, signal, () => { if (!branch.current) actions.goto(branch.id); });
      return h("span", "cotlens-crumb", { role: "listitem" }, made);
    }));
    setText(tree.opener, count(branches.length, "branch", "branches"));
    setAttribute(tree.opener, "title", "show all branches as a tree");
    tree.element.hidden = branches.length < 2;
  }

  const far = followProgress(signal, () => store.running, drawJob);

  function drawJob(): void {
    const { job: now, loading } = store.payload;
    const running = store.running && !loading;
    let text = "";
    if (loading) text = `loading ${loading.label}`;
    else if (!store.connected) text = "kernel gone: reading still works";
    else if (running) text = runningText();
    else if (now.state === "cancelled") text = now.message ?? `cancelled: ${now.label}${kept()}`;
    else if (now.state === "error") text = `error: ${now.label}`;
    else if (store.own.silent) text = "waiting for the kernel; a cell may be running";
    else if (now.state === "done") text = [now.label === "" ? "" : `done: ${now.label}`, (store.payload.document?.rerun_at ?? null) === null ? "" : "edit not rerun"].filter(Boolean).join(" · ");
    setText(status, text);
    setAttribute(status, "title", text);
    setAttribute(job, "data-state", loading ? "loading" : now.state);
    cancel.hidden = !running;
    setOff(cancel, null, "stop this; finished parts are kept");
    far.show(progress, running || loading !== null, loading ? { ...now, total: null } : counted(now, store.payload.stream));
  }

  function runningText(): string {
    const { stream, job: now } = store.payload;
    if (now.state === "queued") return `waiting to start: ${now.label}`;
    return `${now.label.split(";")[0]}${farWords(now, stream)}${far.left(now)}`;
  }

  function kept(): string {
    const { done, total } = store.payload.job;
    return total !== null && done > 0 ? `; ${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} kept` : "";
  }

  return {
    element,
    update(changed) {
      if (any(changed, "head")) {
        const { head } = store.payload;
        setText(model, head.model || "no model");
        setText(where, head.where);
        setAttribute(model.parentElement as Element, "title", head.note || null);
      }
      choices.update(changed);
      if (any(changed, "branches", "alive", "broken", "loading")) drawTrail();
      if (changed.has("job")) far.heard();
      if (any(changed, "job", "stream", "document", "loading", "alive", "broken", "silent")) drawJob();
      limits.update(changed);
    },
  };
}
