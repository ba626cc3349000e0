/** Below the inspector: the warning about a surprising edit, the answers before and after, the difference in text. */

import { beforeAfterBars } from "../../kit/controls/bars";
import { markedChanges } from "../../kit/controls/before-after";
import { h } from "../../kit/dom";
import { figure } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";
import { createResampling } from "./resampling";
import type { Comparison, EditInfo } from "../state";

/** Nats per token above its own words from which an edit counts as a surprise when Python gave no warning. */
const SURPRISING = 3;

export function surpriseWords(comparison: Comparison | null, edit: EditInfo | null): { words: string; warn: boolean } | null {
  const surprise = comparison?.surprise ?? edit?.surprise ?? null;
  const was = comparison?.surprise_was ?? edit?.surprise_was ?? null;
  if (comparison?.warning) return { words: comparison.warning, warn: true };
  if (surprise === null) return null;
  const own = was === null ? "" : `; its own words: ${figure(was)}`;
  const numbers = `${figure(surprise)} nats per token${own}`;
  if (surprise - (was ?? 0) >= SURPRISING) return { words: `This edit surprises the model (${numbers}). An effect may come from the surprise.`, warn: true };
  return { words: `The model finds this edit ordinary (${numbers}).`, warn: false };
}

export function createComparison(context: Context): Section {
  const { store } = context;
  const found = h("div", "cotlens-found");
  const resampling = createResampling(context);
  const element = h("div", "cotlens-comparison", {}, found, resampling.element);

  function draw(): void {
    const { comparison, document } = store.payload;
    const parts: HTMLElement[] = [];
    const surprise = surpriseWords(comparison, document?.edit ?? null);
    if (surprise) parts.push(h("p", surprise.warn ? "cotlens-warning" : "cotlens-small cotlens-muted", surprise.warn ? { role: "note" } : {}, surprise.words));
    if (comparison) {
      parts.push(h("section", "", {}, h("h4", "cotlens-title", {}, "Answer, before and after"),
        comparison.note ? h("p", "cotlens-small cotlens-muted", {}, comparison.note) : "",
        comparison.rows.length ? beforeAfterBars(comparison.rows) : h("p", "cotlens-small cotlens-muted", {}, "No answer could be read to compare.")));
      if (comparison.diff.some((change) => change.op !== "same")) {
        parts.push(h("details", "cotlens-details", { open: true }, h("summary", "", {}, "Difference in text"), h("p", "cotlens-diff", {}, ...markedChanges(comparison.diff))));
      }
    }
    found.replaceChildren(...parts);
  }

  return { element, update(changed) { if (any(changed, "comparison", "document")) draw(); resampling.update(changed); } };
}
