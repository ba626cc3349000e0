/** The head: model, where it runs, the tries so far, and what the model is doing. */

import { chip } from "../kit/controls/chip";
import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { menu } from "../kit/controls/menu";
import { count } from "../kit/numbers";
import { counted, farWords, followProgress } from "../kit/controls/progress";
import { any, type Context, type Section } from "./context";
import type { Try } from "./protocol";

/** Chips shown before the older ones fold into the menu. */
const SHOWN = 4;

export function tryName({ label, answer }: Try): string {
  return answer === null ? label : `${label} → ${answer}`;
}

/** The original, and the newest; the current one always among them. */
export function trail(tries: readonly Try[]): Try[] {
  const [original, ...rest] = tries;
  const newest = rest.slice(-(SHOWN - 1));
  const current = rest.find((each) => each.current);
  const shown = current && !newest.includes(current) ? [current, ...newest.slice(1)] : newest;
  return original ? [original, ...shown] : [];
}

export function createHead({ store, actions, signal }: Context): Section {
  const model = h("b", "cotlens-model");
  const where = h("span", "cotlens-muted cotlens-small cotlens-where");
  const chips = h("span", "cotlens-chips", { role: "list", "aria-label": "tries, newest last" });
  const all = menu("cotlens-button cotlens-quiet", "", signal, (panel) => {
    panel.replaceChildren(...store.now.tries.map((each) => {
      const row = button("cotlens-row", "", { "aria-selected": each.current ? "true" : null, "data-try": each.id });
      row.append(h("span", "cotlens-row-name", {}, each.label), h("span", "cotlens-row-answer", {}, each.answer ?? "no answer"), h("span"));
      row.addEventListener("click", () => { all.close(); all.opener.focus(); actions.goto(each.id); });
      return row;
    }));
    panel.querySelector<HTMLElement>("[aria-selected]")?.focus();
  });
  const limit = h("input", "cotlens-field", { type: "number", min: 1, step: 1, placeholder: "auto", "aria-label": "tokens of a rerun, at most" });
  const most = h("label", "cotlens-label cotlens-small cotlens-muted cotlens-most", { title: "how many tokens a rerun may have; left empty, about twice what it replaces" }, "≤", limit, "tokens");
  limit.addEventListener("change", () => { if (!actions.limit(limit.valueAsNumber)) drawLimit(); }, { signal });
  const status = h("span", "cotlens-status", { role: "status", "aria-live": "polite" });
  const progress = h("progress", "cotlens-progress", { max: 1, "aria-label": "progress" });
  const stop = button("cotlens-button", "Stop", { "data-action": "cancel" });
  onClick(stop, signal, () => actions.cancel());
  const job = h("span", "cotlens-job", {}, status, progress, stop);
  const element = h("div", "cotlens-head", {}, h("span", "cotlens-name", {}, model, where), h("span", "cotlens-trail", {}, all.element, chips), most, job);

  function drawLimit(): void {
    const { limit: now } = store.now.head;
    limit.value = now ? String(now) : "";
    limit.disabled = store.off !== null;
  }

  function drawTrail(): void {
    const { tries } = store.now;
    chips.replaceChildren(...trail(tries).map((each) => {
      const made = chip(each);
      setAttribute(made, "data-try", each.id);
      setOff(made, each.current ? null : store.off, tryName(each));
      onClick(made, signal, () => { if (!each.current) actions.goto(each.id); });
      return h("span", "cotlens-crumb", { role: "listitem" }, made);
    }));
    setText(all.opener, count(tries.length, "try", "tries"));
    setAttribute(all.opener, "title", "all tries, oldest first");
    all.element.hidden = tries.length <= SHOWN;
  }

  const far = followProgress(signal, () => store.running, drawJob);

  function drawJob(): void {
    const { job: now, silent, stream } = store.now;
    const { running } = store;
    let text = "";
    if (store.off !== null) text = "kernel gone: reading still works";
    else if (now.state === "queued") text = `waiting to start: ${now.label}`;
    else if (running) text = `${now.label}${farWords(now, stream)}${far.left(now)}`;
    else if (now.state === "cancelled") text = now.message ?? "stopped; what was written is kept";
    else if (now.state === "error") text = `error: ${now.label}`;
    else if (silent) text = "waiting for the kernel; a cell may be running";
    setText(status, text);
    setAttribute(status, "title", text || null);
    setAttribute(job, "data-state", now.state);
    stop.hidden = !running;
    far.show(progress, running, counted(now, stream));
  }

  return {
    element,
    update(changed) {
      if (any(changed, "head")) {
        setText(model, store.now.head.model || "no model");
        setText(where, store.now.head.where);
      }
      if (any(changed, "head", "alive", "broken")) drawLimit();
      if (any(changed, "tries", "alive", "broken")) drawTrail();
      if (changed.has("job")) far.heard();
      if (any(changed, "job", "stream", "alive", "broken", "silent")) drawJob();
    },
  };
}
