/** What every part of the matrix shares. */

import type { Observed } from "../kit/observed";
import type { Filter, Pairs, Sort } from "./model";

/** The browser's own state; Python never sees it. */
export interface Own {
  picked: number | null;
  /** The cell under the pointer, read beside the matrix until the pointer leaves. */
  hovered: number | null;
  filter: Filter;
  scale: number;
  intensity: number;
  zoom: number;
  sort: Sort;
  descending: boolean;
}

export interface Context { own: Observed<Own>; pairs: Pairs; root: HTMLElement; signal: AbortSignal }

export interface Part { element: HTMLElement; update(changed: ReadonlySet<keyof Own>): void }
