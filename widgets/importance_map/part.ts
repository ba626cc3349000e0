/** What every part of the map shares. */

import type { Observed } from "../kit/observed";
import type { ScoreMap, Sort } from "./model";
import type { Context as Around } from "./state";

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
}

export interface Context {
  own: Observed<Own>;
  around: Around | null;
  maps: readonly ScoreMap[];
  root: HTMLElement;
  signal: AbortSignal;
}

export interface Part {
  element: HTMLElement;
  update(changed: ReadonlySet<keyof Own>): void;
}
