/** The thoughts, one row each: what each monitor says of it, and what a person says. */

import { h, onClick, setAttribute, uniqueId } from "../kit/dom";
import type { PanelReading, PanelThought } from "./protocol";
import type { Context, Section } from "./view";

const BEGINS = 120;

/** A label as a chip; that it flags, or that there is none, is told by shape as well as by colour. */
export function verdict(reading: PanelReading, monitor: string): HTMLElement {
  if (reading.label === "") return h("span", "cotlens-verdict cotlens-verdict-failed", { title: `${monitor}: ${reading.reason}` }, reading.status);
  return h("span", `cotlens-verdict${reading.flagged === true ? " cotlens-verdict-flagged" : ""}`, { title: monitor }, reading.label);
}

export function createRows({ own, panel, signal }: Context): Section {
  const base = uniqueId("thought");
  const mine: HTMLElement[] = [];
  const rows = panel.thoughts.map((thought, at) => row(thought, at));
  const element = h("div", "cotlens-rows", { role: "listbox", tabindex: 0, "aria-label": "thoughts", "data-region": "thoughts" }, ...rows);

  function row(thought: PanelThought, at: number): HTMLElement {
    const label = h("span", "cotlens-verdict cotlens-verdict-own", { title: "your label", hidden: true });
    mine.push(label);
    const said = h("div", "cotlens-said", {}, ...thought.readings.map((reading, which) => verdict(reading, panel.monitors[which] ?? "")), label);
    const begins = h("div", "cotlens-begins", {}, thought.text.slice(0, BEGINS).replace(/\s+/gu, " "));
    const made = h("div", "cotlens-thought", { role: "option", id: `${base}-${at}`, "aria-selected": "false" }, h("span", "cotlens-number", {}, String(at + 1)), said, begins);
    onClick(made, signal, () => own.set({ row: at, finding: null }));
    return made;
  }

  let picked = -1;
  return {
    element,
    update(changed) {
      if (changed.has("row")) {
        rows[picked]?.setAttribute("aria-selected", "false");
        picked = own.now.row;
        rows[picked]?.setAttribute("aria-selected", "true");
        setAttribute(element, "aria-activedescendant", `${base}-${picked}`);
        reveal(element, rows[picked]);
      }
      if (changed.has("labels")) panel.thoughts.forEach((thought, at) => tell(mine[at] as HTMLElement, own.now.labels[thought.key]));
    },
  };
}

function tell(element: HTMLElement, label: string | undefined): void {
  element.hidden = label === undefined;
  if (element.textContent !== (label ?? "")) element.replaceChildren(h("span", "", {}, label ?? ""));
}

/** Scrolls the list alone: `scrollIntoView` would move the notebook, too. */
function reveal(list: HTMLElement, row: HTMLElement | undefined): void {
  if (!row) return;
  const [top, bottom] = [row.offsetTop - list.offsetTop, row.offsetTop - list.offsetTop + row.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}
