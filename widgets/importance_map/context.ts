/** What every section of the map shares. */

import type { Observed } from "../kit/kernel/observed";
import { scaleOf, type Lock, type Over, type Scale } from "../kit/heat/scale";
import type { CodePanel } from "../kit/controls/code";
import type { SharedLock } from "../kit/kernel/display-only";
import type * as kit from "../kit/section";
import type { ScoreMap, Sort } from "./model";
import type { Context as Around } from "./protocol";

/** The browser's own state; Python never sees it. */
export interface Own {
  map: ScoreMap;
  picked: number | null;
  onlyClear: boolean;
  intensity: number;
  sort: Sort;
  descending: boolean;
  /** Units first..last that the text shows now. */
  seen: { first: number; last: number };
  /** Whose largest effect has the full colour. */
  over: Over;
  lock: Lock | null;
}

/** What a colour scale may be over. */
export const SCORES = ["this score", "all scores"] as const;

/** Scores of one unit that grow from the same zero. */
export function alike(maps: readonly ScoreMap[], { score }: ScoreMap): ScoreMap[] {
  return maps.filter((each) => each.score.scale_unit === score.scale_unit && each.score.base === score.base && each.score.signed === score.signed);
}

/** Where the colours end, counted from zero. */
export function scaleNow({ own, maps }: Pick<Context, "own" | "maps">): Scale {
  const { map, over, lock } = own.now;
  const same = alike(maps, map);
  return scaleOf({ here: map.score.scale, all: Math.max(...same.map((each) => each.score.scale)), count: same.length }, map.score.scale_unit, over, lock, SCORES);
}

export interface Context {
  own: Observed<Own>;
  around: Around | null;
  maps: readonly ScoreMap[];
  sharedLock: SharedLock;
  code: CodePanel;
  root: HTMLElement;
  signal: AbortSignal;
}

export type Section = kit.Section<keyof Own>;
