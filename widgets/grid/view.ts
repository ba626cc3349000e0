/** Puts the sections of a grid of layers together. Knows the DOM and a payload, nothing of the notebook. */

import { h } from "../kit/dom";
import type { CodePanel } from "../kit/controls/code";
import { createFoot, type KeyWords } from "../kit/controls/foot";
import { onKey, type Act } from "../kit/keys";
import { Observed } from "../kit/kernel/observed";
import type { Grid } from "../kit/protocol";
import { tokensIn } from "../kit/kernel/selection";
import { sharePicked, type SharedLock, type Traits } from "../kit/kernel/display-only";
import { LayerGrid, type Spot } from "./layer-grid";
import { createLayersHead } from "./head";
import { createLayers } from "./layers";
import { mayPatch, type Acts, type Context, type Key, type Own, type Section } from "./context";
import { stepped } from "./places";
import { createLayersSide } from "./side";

const KEYS: readonly KeyWords[] = [[["←", "→"], "place"], [["Shift"], "ten at once"], [["Enter"], "tokens"], [["Esc"], "back"]];
const CARRY: readonly KeyWords[] = [[["M"], "carry from here"], [["Enter"], "patch it in, at the other run"]];

/** What a grid remembers when it is drawn again with more in it. */
export interface Memory { own?: Own }

export function decodeGrid(get: (key: string) => unknown): Grid | null {
  const grid = get("grid") as Grid | null;
  return grid && Array.isArray(grid.levels) && grid.levels.length > 0 ? grid : null;
}

/** `code` is drawn in the head of the grid, where it has no other place. */
export interface Given { sharedLock: SharedLock; traits: Traits; code?: CodePanel; acts?: Acts | null; memory?: Memory }

export function drawGrid(root: HTMLElement, grid: Grid | null, signal: AbortSignal, { sharedLock, traits, code, acts = null, memory = {} }: Given): Context | null {
  if (!grid) { root.append(h("p", "cotlens-note", {}, "There is no grid to show.")); return null; }
  const data = new LayerGrid(grid);
  root.closest(".cotlens-layers")?.toggleAttribute("data-unsigned", !grid.signed);
  const kept = memory.own;
  const drill = kept && kept.drill !== null && data.hasTokens(kept.drill) ? kept.drill : null;
  const only = kept?.only ?? null;
  const own = new Observed<Own>({ picked: null, hovered: null, marked: null, intensity: 0.5, zoom: 1, ...kept, drill, only, view: data.view(drill, only), lock: sharedLock.now() });
  sharedLock.follow(() => own.set({ lock: sharedLock.now() }), signal);
  const context: Context = { own, data, sharedLock, acts, root, signal };
  const [head, layers, side] = [createLayersHead(context, code), createLayers(context), createLayersSide(context)];
  const opens = acts !== null || data.levels.length > 1;
  const foot = createFoot([[["↑", "↓"], grid.row], ...KEYS.filter(([, what]) => opens || what !== "tokens"), ...(acts ? CARRY : []), [["C"], "code"]]);
  foot.marks([
    ...(!grid.signed ? [["cotlens-sample-amount", "readable"]] as const : grid.cone === "reads" ? [["cotlens-sample-up", "for the answer"], ["cotlens-sample-down", "against it"]] as const
      : [["cotlens-sample-up", "towards the other run's answer"], ["cotlens-sample-down", "away from it"]] as const),
    ["cotlens-sample-below", "below the floor"], ["cotlens-sample-none", "not measured"], ...(grid.cone === "reaches" ? [["cotlens-sample-shaded", "changes nothing"]] as const : []),
    ...(grid.row === "layer" ? [["cotlens-sample-dimmed", grid.cone === "reads" ? "dimmed: not read by the picked cell" : "dimmed: not reached from the picked cell"]] as const : []),
  ]);
  const main = h("div", "cotlens-main", {}, h("div", "cotlens-pane", {}, layers.element), side.element);
  main.style.setProperty("--cotlens-lines", String(data.rows * (data.levels[0]?.panels.length ?? 1)));
  main.style.setProperty("--cotlens-bands", String(data.levels[0]?.panels.length ?? 1));
  root.append(head.element, main, foot.element);
  const sections: Section[] = [head, layers, side];
  const update = (changed: ReadonlySet<Key>): void => { for (const section of sections) section.update(changed); memory.own = own.now; };
  own.subscribe((changed) => {
    // What is shown follows from these two, and is known before anything is drawn.
    if (changed.has("drill") || changed.has("only")) own.set({ view: data.view(own.now.drill, own.now.only) });
    update(changed);
  }, signal);
  update(new Set(Object.keys(own.now) as Key[]));
  share(context, traits);
  // What can be done with a cell has changed.
  root.addEventListener("cotlens-acts", () => side.update(new Set<Key>(["picked"])), { signal });
  root.addEventListener("cotlens-open", (event) => open(context, (event as CustomEvent<number | null>).detail), { signal });
  onKey(root, signal, (event, target) => (event.ctrlKey || event.metaKey ? null : act(context, event, target === layers.element || target === root, () => layers.focus())));
  return context;
}

/** Shows the tokens of a column, or all columns again; asks for tokens that are not there yet. */
function open({ own, data, acts }: Context, column: number | null): void {
  const { drill, picked } = own.now;
  if (column === null) {
    if (drill !== null) own.set({ drill: null, marked: null, hovered: null, picked: picked && { ...picked, column: drill } });
    return;
  }
  if (drill !== null) return;
  if (!data.hasTokens(column)) { acts?.tokens(column); return; }
  const from = data.levels[1]?.within(column)[0] ?? 0;
  own.set({ drill: column, marked: null, hovered: null, picked: { panel: picked?.panel ?? 0, row: picked?.row ?? 0, column: from } });
}

function act(context: Context, event: KeyboardEvent, inGrid: boolean, focus: () => void): Act {
  const { own, data, acts } = context;
  const { picked, marked, drill, view } = own.now;
  if (event.key === "Escape") {
    if (marked) return () => own.set({ marked: null });
    if (drill !== null) return () => { open(context, null); focus(); };
    return picked === null ? null : () => { own.set({ picked: null }); focus(); };
  }
  if (!inGrid) return null;
  if (event.key === "Enter" && picked) {
    return mayPatch(data, marked, picked) && acts && !acts.off() ? () => { own.set({ marked: null }); acts.patch(marked as Spot, picked, view); } : () => open(context, picked.column);
  }
  if (event.key.toLowerCase() === "m" && acts?.off() === null && picked && data.isRun(picked.panel)) return () => own.set({ marked: picked });
  const to = moved(context, event.key, event.shiftKey ? 10 : 1);
  return to && (() => own.set({ picked: to, hovered: null }));
}

function moved({ own }: Context, key: string, by: number): Spot | null {
  const { view, picked } = own.now;
  if (view.shape.columns === 0) return null;
  const at = (picked && view.place(picked)) ?? { band: 0, row: 0, column: 0 };
  const ends: Record<string, number> = { Home: 0, End: view.shape.columns - 1 };
  const to = key in ends ? { ...at, column: ends[key] as number } : stepped(key, at, picked && view.place(picked) ? by : 0, view.shape);
  return to && { panel: view.panels[to.band] as number, row: to.row, column: view.from + to.column };
}

/** What is picked is so in linked views, too: of a cell its tokens and its layer. */
function share({ own, data, signal }: Context, traits: Traits): void {
  const tokens = ({ panel, column }: Spot): [number, number] | null => {
    const one = own.now.view.level.panels[panel];
    const [first, last] = [one?.first[column] ?? 0, one?.last[column] ?? 0];
    return first < last ? [first, last] : null;
  };
  // The layer of a selection that names none: where one was before, so that another one is told.
  let layer = own.now.picked?.row ?? 0;
  sharePicked(traits, own, "picked", {
    find(selected) {
      const { view } = own.now;
      const runs = view.level.panels.map((one, panel) => ({ one, panel })).filter(({ one }) => !one.told.difference);
      const { one, panel } = runs.find((run) => run.one.told.trace === selected.trace) ?? runs[0] ?? {};
      const span = one && tokensIn(selected, one.told.trace);
      if (!one || !span) return span === null ? null : undefined;
      const column = Array.from(one.first).findIndex((first, i) => first <= span[0] && span[0] < (one.last[i] ?? 0));
      const row = selected.layer === undefined || data.grid.row === "head" ? -1 : data.grid.rows.indexOf(String(selected.layer));
      const spot = { panel: panel as number, row: row >= 0 ? row : layer, column };
      return column >= 0 && view.place(spot) ? spot : undefined;
    },
    tell(picked) {
      const span = picked && tokens(picked);
      if (!picked || !span) return { span: undefined, unit: undefined, layer: undefined };
      const { level } = own.now.view;
      const trace = level.panels[picked.panel]?.told.trace;
      return { ...(trace ? { trace } : {}), span, unit: level.told.unit, layer: data.grid.row === "layer" ? Number(data.grid.rows[picked.row]) : undefined };
    },
  }, signal);
  own.subscribe((changed) => { if (changed.has("picked")) layer = own.now.picked?.row ?? layer; }, signal);
}
