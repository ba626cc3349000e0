/** The menu of measures: in groups, each with its question and its cost, or the reason why it can't be had. */

import { button, h, onClick, setAttribute, setText } from "../../kit/dom";
import { menu } from "../../kit/controls/menu";
import type { Measure } from "../state";

export interface MeasureMenu { element: HTMLElement; show(measures: Measure[], chosen: Measure | undefined, off: string | null): void }

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count, ArrowUp: (at, count) => (at + count - 1) % count, Home: () => 0, End: (_, count) => count - 1,
};

export function createMeasureMenu(signal: AbortSignal, pick: (measure: Measure) => void, why: (measure: Measure) => string): MeasureMenu {
  let now: { measures: Measure[]; chosen: Measure | undefined } = { measures: [], chosen: undefined };
  let stale = true;
  const list = menu("cotlens-select cotlens-measure", "", signal, () => {
    fill();
    const entry = entries().find((each) => each.getAttribute("aria-checked") === "true") ?? entries()[0];
    entry?.focus();
    entry?.scrollIntoView({ block: "nearest" });
  });
  list.panel.classList.add("cotlens-measures");
  setAttribute(list.panel, "role", "menu");
  setAttribute(list.panel, "aria-label", "measures");
  setAttribute(list.opener, "aria-haspopup", "menu");

  const entries = (): HTMLElement[] => [...list.panel.querySelectorAll<HTMLElement>("[data-measure]")];

  list.panel.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const all = entries();
    all[step(all.findIndex((each) => each.matches(":focus")), all.length)]?.focus();
  }, { signal });

  function entry(measure: Measure): HTMLElement {
    const reason = measure.available ? null : why(measure);
    const row = button("cotlens-row cotlens-entry", "", {
      role: "menuitemradio", "aria-checked": String(measure === now.chosen), "aria-disabled": reason === null ? null : "true",
      "data-measure": measure.id, title: reason ?? measure.cost, tabindex: -1,
    });
    row.append(h("span", "cotlens-entry-name", {}, measure.label), h("span", "cotlens-entry-cost", {}, measure.cost ?? ""),
      h("span", "cotlens-entry-words", {}, reason === null ? measure.question : (measure.reason ?? reason)));
    onClick(row, signal, () => { list.close(); list.opener.focus(); pick(measure); });
    return row;
  }

  function fill(): void {
    if (!stale) return;
    stale = false;
    const at = entries().find((each) => each.matches(":focus"))?.dataset["measure"];
    const groups = [...new Set(now.measures.map((measure) => measure.group))];
    list.panel.replaceChildren(...groups.map((group) => h("div", "cotlens-group", { role: "group", "aria-label": group },
      h("div", "cotlens-role-name", { "aria-hidden": "true" }, group), ...now.measures.filter((measure) => measure.group === group).map(entry))));
    if (at !== undefined) entries().find((each) => each.dataset["measure"] === at)?.focus();
  }

  return {
    element: list.element,
    show(measures, chosen, off) {
      now = { measures, chosen };
      stale = true;
      const label = chosen?.label ?? (measures.length ? "nothing yet" : "no measures");
      setText(list.opener, label);
      setAttribute(list.opener, "aria-label", `shade by measure: ${label}`);
      const reason = chosen && !chosen.available ? why(chosen) : null;
      setAttribute(list.opener, "title", off ?? reason ?? (chosen ? `${chosen.question} ${chosen.cost ?? ""}`.trim() : null));
      list.opener.disabled = off !== null || measures.length === 0;
      // While it is open, what became known is filled in.
      if (!list.panel.hidden) fill();
    },
  };
}
