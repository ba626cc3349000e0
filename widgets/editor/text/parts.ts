/** A part of a trace that came from elsewhere, as one line: what it is, whose turn, how it begins. */

import { button, h } from "../../kit/dom";
import { count } from "../../kit/numbers";
import { wholeRow } from "../../kit/text/cells";
import type { Block } from "./blocks";
import type { PartInfo } from "../state";

/** So much of its text stands on the line, in characters. */
const BEGINNING = 200;

const WORDS: Record<PartInfo["kind"], string> = {
  system: "system", user: "user", thought: "thought", answer: "answer", tool_call: "tool call", tool_result: "tool result",
};

/** Whether the text of a part is drawn. What follows a thought in its turn is its answer, which nobody has to unfold. */
export function isOpen({ place, kind, start }: PartInfo, unfolded: boolean): boolean {
  return unfolded || (place === "answer" && kind === "answer" && start >= 0);
}

/** The line. `act` unfolds the part; of a thought it looks at it, where `looks`. */
export function partLine({ part, at, text, open }: Extract<Block, { kind: "part" }>, looks: boolean, act: () => void): HTMLElement {
  const goes = looks && part.thought !== null;
  const name = part.thought === null ? WORDS[part.kind] : `thought ${part.thought + 1}`;
  const words = text.slice(0, BEGINNING).replace(/\s+/g, " ").trim();
  const line = button("cotlens-part-line", "", {
    "data-action": "part", "data-part": at, "aria-expanded": goes ? null : String(open),
    title: goes ? "look at this thought" : open ? "fold" : "unfold",
  });
  line.append(
    h("span", "cotlens-part-sign", { "aria-hidden": "true" }, goes ? "→" : open ? "▾" : "▸"),
    h("span", "cotlens-part-name", {}, name),
    h("span", "cotlens-part-turn", {}, `turn ${part.turn}`),
    h("span", "cotlens-part-words", {}, open ? "" : words),
    h("span", "cotlens-part-size", {}, part.reason ? `${part.status}, not measured` : count(text.length, "character")),
  );
  line.addEventListener("click", act);
  return wholeRow("cotlens-part", line);
}
