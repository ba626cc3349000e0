/** A page that shows every state of every view without a kernel: #state=shaded&theme=dark&width=900&bare. */

import "./gallery.css";
import branchTree from "../branch_tree/index";
import editor from "../editor/index";
import featureTable from "../feature_table/index";
import importanceMap from "../importance_map/index";
import lensGrid from "../lens_grid/index";
import monitorPanel from "../monitor_panel/index";
import pairMatrix from "../pair_matrix/index";
import patchGrid from "../patch_grid/index";
import rolloutMap from "../rollout_map/index";
import steeringPanel from "../steering_panel/index";
import workbenchBar from "../workbench_bar/index";
import { AskingFake } from "./asking";
import { BRANCHTREES } from "./branches";
import { FEATURES } from "./features";
import { FakeModel } from "./model";
import { STATES } from "./fixtures";
import { LENSES, PATCHES } from "./grids";
import { MONITORS } from "./monitors";
import { PAIRS } from "./pairs";
import { ROLLOUTS } from "./rollouts";
import { SCORES } from "./scores";
import { STEERING, steeringEcho } from "./steering";
import { DisplayFake } from "./display-only";
import { WORKBENCHES } from "./workbenches";

/** For the browser tests and the benchmark: nothing of this is in the widget's bundle. */
interface Hooks { states: string[]; model: unknown; started: number; show(state: string): void; reopen(hash: string): boolean; again(): void; more(state: string): unknown; twin(): void; leave(): void; close(): void }
declare global { interface Window { __cotlens: Hooks } }

const stage = document.getElementById("stage") as HTMLElement;
let modelLife = new AbortController();
let viewLife = new AbortController();

/** What the gallery knows of a widget. A view that asks Python nothing has only traits, and needs no `initialize`. */
interface Widget { initialize?(context: never): void; render(context: never): void }

/** Shows a widget; `again` takes its view away and draws it anew, `twin` draws a second one, as in a second cell; `leave` takes all away. */
function present(widget: Widget, model: unknown): void {
  const draw = (el: HTMLElement): void => widget.render({ model, el, signal: viewLife.signal } as never);
  const again = (): void => {
    viewLife.abort();
    viewLife = new AbortController();
    draw(stage);
  };
  const twin = (): void => draw(stage.appendChild(document.createElement("div")));
  const started = performance.now();
  widget.initialize?.({ model, signal: modelLife.signal } as never);
  again();
  window.__cotlens = { states: NAMES, model, started, show, reopen, again, more: (state) => PATCHES[state]?.(), twin, leave: () => viewLife.abort(), close: () => { viewLife.abort(); modelLife.abort(); } };
}

/** What shows each state of a widget: a new widget on a model of its own. */
function showing<S>(widget: () => Widget, states: Record<string, () => S>, model: (state: S) => unknown): Record<string, () => void> {
  return Object.fromEntries(Object.entries(states).map(([name, state]) => [name, () => present(widget(), model(state()))]));
}

const displayed = (state: object): DisplayFake => new DisplayFake({ ...state });

/** A widget, its states, and the model that plays its kernel: each in one line. */
const SHOW: Record<string, () => void> = {
  ...showing(editor, STATES, (state) => new FakeModel(state)),
  ...showing(importanceMap, SCORES, displayed),
  ...showing(pairMatrix, PAIRS, displayed),
  ...showing(lensGrid, LENSES, displayed),
  ...showing(patchGrid, PATCHES, (state) => new AskingFake(state)),
  ...showing(steeringPanel, STEERING, (state) => new AskingFake(state, steeringEcho)),
  ...showing(featureTable, FEATURES, (state) => new AskingFake(state)),
  ...showing(monitorPanel, MONITORS, displayed),
  ...showing(branchTree, BRANCHTREES, (state) => new AskingFake(state)),
  ...showing(workbenchBar, WORKBENCHES, (state) => new AskingFake(state)),
  ...showing(rolloutMap, ROLLOUTS, (state) => new AskingFake(state)),
};
const NAMES = Object.keys(SHOW);

function show(name: string): void {
  viewLife.abort();
  modelLife.abort();
  modelLife = new AbortController();
  stage.replaceChildren();
  (SHOW[name] ?? SHOW["shaded"])?.();
}

function read(): void {
  const wanted = new URLSearchParams(location.hash.slice(1));
  document.body.dataset["jpThemeLight"] = wanted.get("theme") === "dark" ? "false" : "true";
  document.body.toggleAttribute("data-bare", wanted.has("bare"));
  stage.style.width = wanted.has("width") ? `${wanted.get("width")}px` : "";
  const name = wanted.get("state") ?? "shaded";
  const links = NAMES.map((state) => {
    const link = document.createElement("a");
    const target = new URLSearchParams(wanted);
    target.set("state", state);
    link.href = `#${target}`;
    link.textContent = state;
    if (state === name) link.setAttribute("aria-current", "page");
    return link;
  });
  document.getElementById("states")?.replaceChildren(...links);
  show(name);
}

/** What a view is shown in, apart from what `read` sets: names that scripts were given, and the page around the stage. */
function surroundings(): string {
  const set = ["style", "data-jp-theme-light", "data-bare"];
  const signs = [document.documentElement, document.body, stage].map((each) =>
    [...each.attributes].filter(({ name }) => each !== stage && name === "style" || !set.includes(name)).map(({ name, value }) => [name, value]));
  const names = [window, navigator].map((each) => Object.getOwnPropertyNames(each));
  return JSON.stringify([names, signs, document.body.childElementCount, document.title]);
}

/**
 * Shows what a hash asks for as a page that was just opened shows it, in a fraction of the time: no view, model, focus,
 * selection or scroll of before is left. False, and nothing done, where something outside the view was changed: only a
 * new page is rid of that.
 */
function reopen(hash: string): boolean {
  if (surroundings() !== untouched) return false;
  window.__cotlens.close();
  stage.replaceChildren();
  getSelection()?.removeAllRanges();
  stage.tabIndex = -1; // the next Tab goes on from where the focus was last, and that is the page's beginning again
  stage.focus();
  stage.blur();
  stage.removeAttribute("tabindex");
  scrollTo(0, 0);
  history.replaceState(null, "", hash);
  read();
  return true;
}

addEventListener("hashchange", read);
read();
const untouched = surroundings();
