/** The legend of the heat: both ends, the zero, the unit and the method in words. */

import { h, setAttribute, setInvisible, setText } from "../dom";
import { figure, signed } from "../numbers";
import type { Kind } from "../protocol";

export const KIND_WORDS: Record<Kind, string> = { exact: "exact", computed: "bars are numerical errors", sampled: "sampled, bars are intervals" };

export interface LegendContent {
  /** What the number is, for example "change of log p('7') when hidden". */
  label: string;
  zero: string;
  sign: string;
  unit: string;
  /** Where an unsigned scale begins; 0 where it is left out. */
  base?: number;
  scale: number;
  scaleNote: string;
  signed: boolean;
  kind: Kind;
  complete: boolean;
  /** No measured effect is clear of zero, or nothing was measured: then there are no colours to explain. */
  nothing?: boolean | "measured";
}

const NOTHING = "Nothing here is clear of zero";
const UNMEASURED = "Nothing here could be measured";
/** While a measurement comes in, what it hasn't reached may be. */
const NOTHING_YET = "Nothing so far is clear of zero";

export interface Legend { scale: HTMLElement; words: HTMLElement; show(content: LegendContent | null, otherwise?: string): void }

/** What a legend has no colours for, of so many measured and so many of these clear of zero; what isn't complete may yet be measured. */
export function nothingOf(measured: number, clear: number, complete: boolean): boolean | "measured" {
  return measured === 0 ? complete && "measured" : clear === 0;
}

/** "0 = no effect" however the zero was worded. */
export function zeroWords(zero: string): string {
  return zero === "" || /^0\b/.test(zero) ? zero : `0 = ${zero}`;
}

export function legendWords(content: LegendContent): string {
  return [
    content.label, zeroWords(content.zero), content.sign,
    content.scaleNote === "" || content.nothing ? "" : `scale: ${content.scaleNote}`,
    KIND_WORDS[content.kind],
    content.complete ? "" : "not complete",
  ].filter((part) => part !== "").join(" · ");
}

/** Two pieces: the ramp with its ends, and the line of words. Their room is kept while nothing is shown. */
export function createLegend(): Legend {
  const low = h("span", "cotlens-number");
  const high = h("span", "cotlens-number");
  const ramp = h("span", "cotlens-ramp", { role: "img" }, h("i", "cotlens-ramp-down"), h("i", "cotlens-ramp-up"));
  const nothing = h("strong", "cotlens-large", { "data-note": "nothing", hidden: true }, NOTHING);
  const scale = h("span", "cotlens-legend", {}, low, ramp, high, nothing);
  const words = h("span", "cotlens-words");
  return {
    scale,
    words,
    show(content, otherwise = "") {
      setInvisible(scale, content === null);
      nothing.hidden = !content?.nothing;
      setText(nothing, content?.nothing === "measured" ? UNMEASURED : content?.complete === false ? NOTHING_YET : NOTHING);
      for (const each of [low, ramp, high]) each.hidden = Boolean(content?.nothing);
      if (content === null) {
        setText(words, otherwise);
        setAttribute(words, "title", otherwise || null);
        return;
      }
      setText(low, content.signed ? signed(-content.scale) : figure(content.base ?? 0));
      setText(high, `${content.signed ? signed(content.scale) : figure(content.scale)} ${content.unit}`.trim());
      ramp.classList.toggle("cotlens-unsigned", !content.signed);
      const text = legendWords(content);
      setAttribute(ramp, "aria-label", `colour scale from ${low.textContent} to ${high.textContent}; ${text}`);
      setText(words, text);
      setAttribute(words, "title", text);
    },
  };
}
