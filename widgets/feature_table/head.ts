/** The rows over the text: model, branches, what goes on; the SAE, the search, the selection, the filter. */

import { chip } from "../kit/controls/chip";
import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { count, figure } from "../kit/numbers";
import { counted, farWords, followProgress } from "../kit/controls/progress";
import type { Which } from "./model";
import { any, type Context, type Section } from "./context";

/** Branches shown; older ones are reached by going back. */
const SHOWN = 4;
const WHICH: [Which, string][] = [["all", "all latents"], ["labelled", "labelled"], ["unlabelled", "unlabelled"], ["pinned", "pinned"], ["hidden", "hidden"]];

export interface HeadSection extends Section {
  search: HTMLInputElement;
  /** Empties the search, also of what was typed a moment ago. */
  clear(): void;
}

export function createHead({ store, signal }: Context, codeOpener: HTMLElement): HeadSection {
  const model = h("b", "cotlens-model");
  const where = h("span", "cotlens-muted cotlens-small");
  const chips = h("span", "cotlens-chips", { role: "list", "aria-label": "branches, newest last" });
  const status = h("span", "cotlens-status", { role: "status", "aria-live": "polite" });
  const progress = h("progress", "cotlens-progress", { max: 1, "aria-label": "progress" });
  const cancel = button("cotlens-button", "Cancel", { "data-action": "cancel" });
  onClick(cancel, signal, () => store.abandon());
  const sae = h("span", "cotlens-small cotlens-muted cotlens-sae");
  const search = h("input", "cotlens-field cotlens-search", { type: "search", placeholder: "label, number or token", "aria-label": "search latents by label, number or token" });
  let typed: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(typed));
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => store.arrange({ query: search.value }), 60);
  }, { signal });
  const whole = button("cotlens-seg", "whole trace", { "data-action": "whole", title: "all latents that are active anywhere" });
  const part = button("cotlens-seg", "selection", { "data-action": "part" });
  onClick(whole, signal, () => store.select(null));
  const which = h("select", "cotlens-select", { "aria-label": "which latents are listed" }, ...WHICH.map(([value, label]) => h("option", "", { value }, label)));
  which.addEventListener("change", () => store.arrange({ which: which.value as Which }), { signal });
  const note = h("p", "cotlens-warning", { role: "note", hidden: true });
  const element = h("div", "cotlens-top", {},
    h("div", "cotlens-head", {}, h("span", "cotlens-name", {}, model, where), chips, h("span", "cotlens-job", {}, status, progress, cancel)),
    h("div", "cotlens-tools", {}, sae, h("span", "cotlens-toolset", {}, search, h("span", "cotlens-segs", { role: "group", "aria-label": "where latents are active" }, whole, part), which, codeOpener)),
    note);

  function drawBranches(): void {
    const { branches } = store;
    const current = branches.findIndex((branch) => branch.current);
    const from = Math.max(0, Math.min(branches.length - SHOWN, current));
    chips.replaceChildren(...branches.slice(from, from + SHOWN).map((branch) => {
      const made = chip(branch);
      setAttribute(made, "data-branch", branch.id);
      setOff(made, store.off, branch.answer === null ? branch.label : `${branch.label}, answer ${branch.answer}`);
      onClick(made, signal, () => { if (branch.id !== store.heading && (store.heading !== null || !branch.current)) store.goto(branch.id); });
      return h("span", "cotlens-crumb", { role: "listitem" }, made);
    }));
  }

  const spent = followProgress(signal, () => store.running, drawJob);

  function drawJob(): void {
    const { job, running, stream } = store;
    const words = store.off !== null ? "kernel gone: reading still works"
      : job.state === "queued" ? `waiting to start: ${job.label}`
        : running ? `${job.label}${farWords(job, stream)}${spent.left(job)}`
          : job.state === "cancelled" ? (job.message ?? `cancelled: ${job.label}`)
            : job.state === "error" ? `error: ${job.label}` : "";
    setText(status, words);
    setAttribute(status, "title", words || null);
    cancel.hidden = !running;
    spent.show(progress, running, counted(job, stream));
  }

  function selectionWords(): string {
    const { selection } = store.own.now;
    if (!selection) return "selection";
    const { text } = store;
    const sentence = text.sentenceOf(selection.first);
    const tokens = sentence >= 0 ? text.sentenceTokens(sentence) : null;
    if (tokens && tokens.first === selection.first && tokens.last === selection.last) return `sentence ${sentence}`;
    return selection.last - selection.first === 1 ? "token" : count(selection.last - selection.first, "token");
  }

  return {
    element,
    search,
    clear() { clearTimeout(typed); search.value = ""; store.arrange({ query: "" }); },
    update(changed) {
      if (any(changed, "head", "activity")) {
        const { head, facts } = store;
        setText(model, head.model || "no model");
        setText(where, head.where);
        const read = store.read ? ` · L0 ${figure(facts.l0)} · explains ${facts.explained === null ? "an unknown share" : `${Math.round(100 * facts.explained)} %`} here` : "";
        setText(sae, `${head.sae} · ${head.width.toLocaleString("en-US")} latents${read}`);
        setAttribute(sae, "title", "L0: active latents per token. Explains: share of the variance of this text's activations that the SAE reconstructs.");
        setText(note, facts.note);
        note.hidden = facts.note === "";
      }
      if (any(changed, "branches", "head", "broken")) drawBranches();
      if (changed.has("job")) spent.heard();
      if (any(changed, "job", "outcome", "head", "broken")) drawJob();
      if (any(changed, "selection", "trace")) {
        const chosen = store.own.now.selection !== null;
        setText(part, selectionWords());
        setAttribute(whole, "aria-pressed", String(!chosen));
        setAttribute(part, "aria-pressed", String(chosen));
        setOff(part, chosen ? null : "Select text above: a token, a stretch, or a sentence by its number.");
      }
      if (changed.has("query") && search.value !== store.own.now.query) search.value = store.own.now.query;
    },
  };
}
