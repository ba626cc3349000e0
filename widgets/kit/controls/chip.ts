/** A chip of a trail: what was done, and what came of it. Short of room the first is cut, and never the answer. */

import { button, h } from "../dom";

interface Named { label: string; answer: string | null; awaits_rerun?: boolean; current: boolean }

export function chip(branch: Named): HTMLButtonElement {
  const made = button("cotlens-chip", "", { "aria-current": branch.current ? "true" : null });
  const answer = branch.awaits_rerun ? "\u00a0· not rerun" : branch.answer === null ? null : `\u00a0→ ${branch.answer}`;
  made.append(h("span", "cotlens-chip-label", {}, branch.label));
  if (answer !== null) made.append(h("span", "cotlens-chip-answer", {}, answer));
  return made;
}
