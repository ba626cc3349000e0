/** What every section of the matrix shares. */

import type { Observed } from "../kit/kernel/observed";
import { scaleOf, type Lock, type Scale } from "../kit/heat/scale";
import type { CodePanel } from "../kit/controls/code";
import type { SharedLock } from "../kit/kernel/display-only";
import type * as kit from "../kit/section";
import type { Filter, Pairs, Sort } from "./model";

/** The browser's own state; Python never sees it. */
export interface Own {
  picked: number | null;
  /** The cell under the pointer, read beside the matrix until the pointer leaves. */
  hovered: number | null;
  filter: Filter;
  /** Where the colours end, counted from where they begin. */
  scale: number;
  lock: Lock | null;
  intensity: number;
  zoom: number;
  sort: Sort;
  descending: boolean;
}

const SHOWN = ["the shown pairs", "the shown pairs"] as const;
export const WITHIN = "99 % of the shown pairs lie within it";

/** Where the colours end, counted from zero, and why there. */
export function scaleNow(pairs: Pairs, filter: Filter, lock: Lock | null): Scale {
  const { base, scale_unit: unit } = pairs.matrix;
  const here = base + pairs.scale(filter);
  const found = scaleOf({ here, all: here, count: 1 }, unit, "this", lock, SHOWN);
  return found.locked ? found : { ...found, note: WITHIN };
}

export interface Context { own: Observed<Own>; pairs: Pairs; sharedLock: SharedLock; code: CodePanel; root: HTMLElement; signal: AbortSignal }

export type Section = kit.Section<keyof Own>;
