/** The foot: the keys that work here, and what the marks mean. */

import { h } from "../kit/dom";
import { any, type Context, type Section } from "./context";

const READING: [string[], string][] = [
  [["←", "→"], "token"], [["↑", "↓"], "sentence"], [["Enter"], "edit"], [["T"], "truncate"], [["R"], "rerun"],
  [["[", "]"], "branch"], [["Ctrl/⌘", "Z"], "undo"], [["C"], "copy code"], [["Ctrl/⌘", "F"], "find"],
];
const THOUGHTS: [string[], string][] = [[["P", "N"], "thought"]];
const EDITING: [string[], string][] = [[["Ctrl/⌘", "Enter"], "commit and rerun"], [["Esc"], "leave without change"]];

function keys(entries: [string[], string][]): HTMLElement[] {
  return entries.map(([names, what]) => h("span", "cotlens-keys", {}, ...names.flatMap((name) => [h("kbd", "cotlens-kbd", {}, name), " "]), what));
}

export function createFoot({ store }: Context): Section {
  const left = h("span", "cotlens-foot-keys");
  const right = h("span", "cotlens-foot-marks");
  const mark = (className: string, words: string): HTMLElement => h("span", "cotlens-mark", {}, h("i", className, { "aria-hidden": "true" }), words);
  const element = h("div", "cotlens-foot", {}, left, right);
  return {
    element,
    update(changed) {
      if (any(changed, "editing", "parts")) left.replaceChildren(...keys(store.own.editing ? EDITING : store.thoughts > 1 ? [...READING, ...THOUGHTS] : READING));
      if (!any(changed, "shading", "editing")) return;
      const { shading } = store.payload;
      const marks = shading === null || store.own.editing ? [] : [
        ...(shading.signed ? [mark("cotlens-sample-up", "raises"), mark("cotlens-sample-down", "lowers")] : []),
        ...(shading.kind === "sampled" ? [mark("cotlens-sample-ns", "may be no effect")] : []),
        mark("cotlens-sample-none", "not measured"),
      ];
      right.replaceChildren(...marks);
    },
  };
}
