/** What a lens or a probe reads at the end of a sentence, as a line below it. */

import { h, setAttribute } from "../../kit/dom";
import { wholeRow } from "../../kit/text/cells";
import { shortened } from "../../kit/text/cut";
import { drawable } from "../../kit/text/special";
import type { InsideRow } from "../state";

/** A token or a class as a chip shows it: what would not be seen has a sign. */
function visible(words: string): string {
  return shortened(drawable(words.replace(/\n/g, "⏎").trim() || "␣"), 24);
}

export function insideLine(row: InsideRow): HTMLElement {
  const chips = row.parts.map(({ where, words, value, clear }) => h("span", "cotlens-reading-chip", { "data-clear": clear || null, "aria-hidden": "true" },
    h("span", "cotlens-muted", {}, where && `L${where}`), h("b", "", {}, visible(words)), h("span", "cotlens-muted", {}, value)));
  const spoken = h("span", "cotlens-unseen", {}, drawable(`read inside after sentence ${row.sentence}: ${row.said}`));
  const line = wholeRow("cotlens-inside", spoken, ...(row.cut ? ["…"] : []), ...chips);
  const cell = line.firstElementChild as HTMLElement;
  setAttribute(cell, "title", drawable(row.said));
  return line;
}
