/** What every section of the map is given and gives, and the colours of categories. */

import type { CodePanel } from "../kit/controls/code";
import { luminance, rgb } from "../kit/heat/palette";
import type * as kit from "../kit/section";
import type { Key, Store } from "./store";

export { any } from "../kit/section";

export interface Context { store: Store; code: CodePanel; root: HTMLElement; signal: AbortSignal }
export type Section = kit.Section<Key>;

/** Category -> what stands in a cell that has room for a letter, and its colour on light and on dark (after Okabe and Ito). */
const LOOKS: Record<string, readonly [letter: string, light: string, dark: string]> = {
  problem_setup: ["P", "#56b4e9", "#56b4e9"],
  plan_generation: ["L", "#cc79a7", "#cc79a7"],
  fact_retrieval: ["F", "#009e73", "#2bb88f"],
  active_computation: ["C", "#0072b2", "#3a8fd0"],
  result_consolidation: ["R", "#c9b400", "#f0e442"],
  uncertainty_management: ["U", "#e69f00", "#e69f00"],
  final_answer_emission: ["A", "#1a1a1a", "#f0f0f0"],
  self_checking: ["K", "#d55e00", "#e5772a"],
  unknown: ["?", "#b4b9bf", "#6d747c"],
};

export interface Look { letter: string; colour: string; ink: string }

export function lookOf(category: string, dark: boolean): Look {
  const [letter, light, night] = LOOKS[category] ?? ["?", "#b4b9bf", "#6d747c"];
  const colour = dark ? night : light;
  return { letter, colour, ink: luminance(rgb(colour)) > 0.18 ? "#1a1a1a" : "#ffffff" };
}

export function isDark(root: HTMLElement): boolean { return root.dataset["cotlensTheme"] === "dark"; }
