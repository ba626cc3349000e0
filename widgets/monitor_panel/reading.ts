/** The text of the picked thought with its findings, and what each monitor says of it. */

import { button, h, onClick, setAttribute, toggle } from "../kit/dom";
import { pieces, type Cut } from "./model";
import type { PanelFinding, PanelThought } from "./protocol";
import { verdict } from "./rows";
import type { Context, Section } from "./view";

const SEVERE = 3;
const ANCHORED: Record<string, string> = {
  exact: "", normalised: "found but for spaces, capitals or signs", fuzzy: "a suggestion only: the text says something like it", unlocated: "not in the text",
};

export function createReading({ own, panel, signal }: Context): Section {
  const element = h("div", "cotlens-reading", { tabindex: 0, role: "region", "aria-label": "the thought and its findings", "data-region": "reading" });
  let marks: { element: HTMLElement; findings: number[] }[] = [];
  let items: HTMLElement[] = [];

  function fill(): void {
    const thought = panel.thoughts[own.now.row] as PanelThought;
    marks = [];
    items = [];
    const words = h("p", "cotlens-fulltext", {}, ...pieces(thought).map((piece) => piece.findings.length === 0 ? piece.text : mark(piece, thought)));
    const columns = panel.monitors.map((name, which) => column(thought, name, which));
    element.replaceChildren(h("h3", "cotlens-title", {}, `Thought ${own.now.row + 1} of ${panel.thoughts.length}`), words, h("div", "cotlens-both", {}, ...columns));
    element.scrollTop = 0;
  }

  function mark(piece: Cut, thought: PanelThought): HTMLElement {
    const found = piece.findings.map((at) => thought.findings[at] as PanelFinding);
    const made = h("mark", `cotlens-found ${styles(found)}`, { title: found.map((one) => `${panel.monitors[one.monitor] ?? ""}: ${one.category}, severity ${one.severity}`).join("\n") }, piece.text);
    onClick(made, signal, () => own.set({ finding: piece.findings[0] ?? null }));
    marks.push({ element: made, findings: piece.findings });
    return made;
  }

  function column(thought: PanelThought, name: string, which: number): HTMLElement {
    const reading = thought.readings[which];
    const list = h("ul", "cotlens-items", { "aria-label": `findings of ${name}` });
    thought.findings.forEach((finding, at) => { if (finding.monitor === which) list.append(h("li", "", {}, item(finding, at))); });
    const found = list.childElementCount > 0;
    const said = reading === undefined ? [] : [h("div", "", {}, verdict(reading, name)), h("div", "cotlens-small", {}, reading.rationale || reading.reason || (found ? "" : "It marked nothing in the text."))];
    return h("section", "cotlens-monitor", {}, h("h4", "cotlens-title", {}, name), ...said, ...(found ? [list] : []));
  }

  function item(finding: PanelFinding, at: number): HTMLElement {
    const where = [ANCHORED[finding.anchor] ?? "", finding.note].filter((part) => part !== "").join("; ");
    const made = button("cotlens-item", "", { "aria-pressed": "false" });
    made.append(
      h("b", "", {}, `${finding.category} · ${finding.severity}`), ` ${finding.stance}`, h("br"), `“${finding.quote}”`,
      ...[finding.rationale, where].filter((part) => part !== "").map((part) => h("span", "cotlens-small", {}, h("br"), part)),
    );
    onClick(made, signal, () => own.set({ finding: own.now.finding === at ? null : at }));
    items[at] = made;
    return made;
  }

  return {
    element,
    update(changed) {
      if (changed.has("row")) fill();
      if (!changed.has("row") && !changed.has("finding")) return;
      const { finding } = own.now;
      items.forEach((one, at) => setAttribute(one, "aria-pressed", String(at === finding)));
      for (const one of marks) toggle(one.element, "cotlens-found-picked", finding !== null && one.findings.includes(finding));
      if (finding !== null && changed.has("finding")) reveal(element, marks.find((one) => one.findings.includes(finding))?.element ?? items[finding]);
    },
  };
}

/** Whose finding it is is told by the line below, as in the foot. */
function styles(found: readonly PanelFinding[]): string {
  const [first, second] = [0, 1].map((which) => found.some((one) => one.monitor === which));
  return [
    first && second ? "cotlens-found-both" : second ? "cotlens-found-other" : "cotlens-found-first",
    ...(found.some((one) => one.severity >= SEVERE) ? ["cotlens-found-severe"] : []),
    ...(found.every((one) => one.anchor === "fuzzy") ? ["cotlens-found-guess"] : []),
  ].join(" ");
}

function reveal(pane: HTMLElement, part: HTMLElement | undefined): void {
  if (!part) return;
  const [outer, inner] = [pane.getBoundingClientRect(), part.getBoundingClientRect()];
  if (inner.top < outer.top) pane.scrollTop -= outer.top - inner.top + 8;
  else if (inner.bottom > outer.bottom) pane.scrollTop += inner.bottom - outer.bottom + 8;
}
