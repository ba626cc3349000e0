/** Puts the sections of the matrix together. Knows the DOM and a payload, nothing of the notebook. */

import { h } from "../kit/dom";
import { createFoot, type KeyWords, type MarkWords } from "../kit/controls/foot";
import { onKey } from "../kit/keys";
import { Observed } from "../kit/kernel/observed";
import { cellOf, placeOf, stepped, type Shape } from "../grid/places";
import { createGrid } from "./grid";
import { createHead } from "./head";
import { Pairs } from "./model";
import { scaleNow, type Context, type Own, type Section } from "./context";
import { tokensIn } from "../kit/kernel/selection";
import { sharedCode, sharePicked, type SharedLock, type Traits } from "../kit/kernel/display-only";
import { createSide } from "./side";
import type { Matrix } from "./protocol";

const KEYS: readonly KeyWords[] = [[["↑", "↓", "←", "→"], "cell"], [["Shift"], "ten at once"], [["Home", "End"], "ends of the row"], [["C"], "code"], [["Esc"], "let go"]];

export function decode(get: (key: string) => unknown): Matrix | null {
  const matrix = get("matrix") as Matrix | null;
  return matrix && Array.isArray(matrix.texts) ? matrix : null;
}

export function draw(root: HTMLElement, matrix: Matrix | null, signal: AbortSignal, sharedLock: SharedLock, traits: Traits): void {
  if (!matrix) { root.append(h("p", "cotlens-note", {}, "There is no matrix to show.")); return; }
  const pairs = new Pairs(matrix);
  const apart = pairs.hasDiagonal ? 0 : 1;
  const filter = { apart, onlyClear: pairs.number({ apart, onlyClear: true }) > 0 };
  const own = new Observed<Own>({
    picked: null, hovered: null, filter, scale: scaleNow(pairs, filter, sharedLock.now()).scale - matrix.base, lock: sharedLock.now(), intensity: 0.5, zoom: 1, sort: "size", descending: true,
  });
  sharedLock.follow(() => own.set({ lock: sharedLock.now(), scale: scaleNow(pairs, own.now.filter, sharedLock.now()).scale - matrix.base }), signal);
  const context: Context = { own, pairs, sharedLock, code: sharedCode(root, traits, signal), root, signal };
  const [head, grid, side] = [createHead(context), createGrid(context), createSide(context)];
  const foot = createFoot(KEYS);
  foot.marks([
    ...(matrix.signed ? [["cotlens-sample-up", "raises"], ["cotlens-sample-down", "lowers"]] as MarkWords[] : []),
    ["cotlens-sample-none", "not measured"], ["cotlens-sample-empty", "not in the result, or not shown"],
  ]);
  root.append(head.element, h("div", "cotlens-main", {}, h("div", "cotlens-pane", {}, grid.element), side.element), foot.element);
  listenForKeys(context, grid.element);
  const sections: Section[] = [head, grid, side];
  const update = (changed: ReadonlySet<keyof Own>): void => { for (const section of sections) section.update(changed); };
  own.subscribe(update, signal);
  update(new Set(Object.keys(own.now) as (keyof Own)[]));
  // What is picked for others is the source: its effects are what the cells are about.
  sharePicked(traits, own, "picked", {
    find(selected) {
      const tokens = tokensIn(selected, matrix.trace);
      const source = tokens && pairs.sentenceAt(...tokens);
      return source === undefined || source === null ? source : source < 0 ? undefined : pairs.cell(pairs.target(own.now.picked ?? pairs.cell(source + 1 < pairs.count ? source + 1 : source, 0)), source);
    },
    tell(cell) {
      const tokens = cell === null ? null : pairs.tokens(pairs.source(cell));
      if (tokens === null) return { span: undefined, unit: undefined };
      return { ...(matrix.trace ? { trace: matrix.trace } : {}), span: tokens, unit: matrix.unit };
    },
  }, signal);
}

/** Arrow keys move the cell. */
function listenForKeys({ own, pairs, root, signal }: Context, grid: HTMLElement): void {
  const shape: Shape = { bands: 1, rows: pairs.count, columns: pairs.count };
  onKey(root, signal, (event, target) => {
    if (event.ctrlKey || event.metaKey) return null;
    const to = target === grid || target === root ? moved(event.key, event.shiftKey ? 10 : 1) : null;
    if (to !== null) return () => own.set({ picked: to, hovered: null });
    return event.key === "Escape" && own.now.picked !== null ? () => { own.set({ picked: null }); grid.focus({ preventScroll: true }); } : null;
  });

  function moved(key: string, by: number): number | null {
    const at = own.now.picked ?? pairs.cell(Math.min(1, pairs.count - 1), 0);
    const target = pairs.target(at);
    if (key === "Home" || key === "End") return pairs.cell(target, ends(target)[key === "Home" ? 0 : 1]);
    const to = stepped(key, placeOf(at, shape), own.now.picked === null ? 0 : by, shape);
    return to && cellOf(to, shape);
  }

  /** First and last source that the result has for a target. */
  function ends(target: number): [number, number] {
    const sources = Array.from({ length: pairs.count }, (_, source) => source).filter((source) => pairs.has(pairs.cell(target, source)));
    return [sources[0] ?? 0, sources[sources.length - 1] ?? pairs.count - 1];
  }
}
