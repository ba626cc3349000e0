/** What every section of a grid of layers shares. */

import type { Observed } from "../kit/kernel/observed";
import { scaleOf, type Lock, type Scale } from "../kit/heat/scale";
import type { SharedLock } from "../kit/kernel/display-only";
import type * as kit from "../kit/section";
import type { Grid } from "../kit/protocol";
import type { LayerGrid, Spot, View } from "./layer-grid";

/** The browser's own state; Python never sees it. `view` follows from `drill` and `only`. */
export interface Own {
  picked: Spot | null;
  /** The cell under the pointer, read beside the grid until the pointer leaves. */
  hovered: Spot | null;
  /** A cell whose activations are carried to another one. */
  marked: Spot | null;
  /** The column whose tokens are shown. */
  drill: number | null;
  /** The run that is shown alone. */
  only: number | null;
  view: View;
  lock: Lock | null;
  intensity: number;
  zoom: number;
}

export type Key = keyof Own;

/** What a cell can be told to do, where a model is behind the grid. */
export interface Acts {
  /** Why nothing can be done, or null where it can. */
  off(): string | null;
  /** Puts what stands in one cell into another one, of the other run, and lets the model go on. */
  patch(from: Spot, to: Spot, view: View): void;
  /** Asks for the tokens of a column that has none yet. */
  tokens(column: number): void;
}

export interface Context { own: Observed<Own>; data: LayerGrid; sharedLock: SharedLock; acts: Acts | null; root: HTMLElement; signal: AbortSignal }
export type Section = kit.Section<Key>;

const SHOWN = ["the cells", "the cells"] as const;

/** Where the colours end, and why there. */
export function scaleNow({ base, scale, scale_unit: unit }: Grid, lock: Lock | null): Scale {
  if (scale <= base || base < 0) return { scale, note: "", locked: false };
  const found = scaleOf({ here: scale, all: scale, count: 1 }, unit, "this", lock, SHOWN);
  return found.locked ? found : { ...found, note: "99 % of the cells lie within it" };
}

/** How far colours reach from where they begin. */
export function reachOf(grid: Grid, lock: Lock | null): number { return scaleNow(grid, lock).scale - grid.base; }

/** Whether a cell may be carried to another: both are runs, and not the same one. */
export function mayPatch(data: LayerGrid, from: Spot | null, to: Spot | null): boolean {
  return from !== null && to !== null && from.panel !== to.panel && data.isRun(from.panel) && data.isRun(to.panel);
}
