/** What a test says of the whole thought: its question, then a line per figure with its interval, or why there is none. */

import { h } from "../../kit/dom";
import { count, figure } from "../../kit/numbers";
import type { Whole } from "../state";

type Row = Whole["rows"][number];

/** "0.900 (0.596 to 0.995), 10 edits"; of one observation "1.00, exact". */
export function wholeWords({ estimate, low, high, n, status }: Row, unit: string): string {
  if (estimate === null) return status;
  if (status === "exact") return `${figure(estimate)}, exact`;
  const interval = low === null || high === null || low === high ? "" : ` (${figure(low)} to ${figure(high)})`;
  return `${figure(estimate)}${interval}, ${count(n, unit.replace(/^share of /, "").replace(/s$/, ""))}${status === "ok" ? "" : `; ${status}`}`;
}

export function fillWhole(element: HTMLElement, whole: Whole | null): void {
  element.hidden = whole === null;
  if (whole === null) return;
  element.replaceChildren(
    h("p", "", {}, whole.question),
    h("dl", "", {}, ...whole.rows.map((row) => h("div", "", { "data-control": row.control || null },
      h("dt", "", {}, `${row.words}${row.control ? " (control)" : ""}`), h("dd", "", {}, wholeWords(row, whole.scale_unit))))));
}
