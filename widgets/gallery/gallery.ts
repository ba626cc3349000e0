/** A page that shows every state of every view without a kernel: #state=shaded&theme=dark&width=900&bare. */

import "./gallery.css";
import editor from "../editor/index";
import type { State } from "../editor/state";
import featureTable from "../feature_table/index";
import importanceMap from "../importance_map/index";
import pairMatrix from "../pair_matrix/index";
import steeringPanel from "../steering_panel/index";
import { AskingFake } from "./asking";
import { FEATURES } from "./features";
import { FakeModel } from "./model";
import { STATES } from "./fixtures";
import { PAIRS } from "./pairs";
import { SCORES } from "./scores";
import { STEERING, steeringEcho } from "./steering";
import { StillFake } from "./still";

/** For the browser tests and the benchmark: nothing of this is in the widget's bundle. */
interface Hooks { model: unknown; started: number; show(state: string): void; again(): void; close(): void }
declare global { interface Window { __cotlens: Hooks } }

const stage = document.getElementById("stage") as HTMLElement;
let modelLife = new AbortController();
let viewLife = new AbortController();

/** A view that asks Python nothing: it has only traits. */
function showStill(render: ReturnType<typeof importanceMap>["render"], traits: object): void {
  const model = new StillFake({ ...traits });
  const again = (): void => {
    viewLife.abort();
    viewLife = new AbortController();
    render({ model, el: stage, signal: viewLife.signal });
  };
  const started = performance.now();
  again();
  window.__cotlens = { model, started, show, again, close: () => viewLife.abort() };
}

/** A view that asks Python: it has a model for as long as it is shown. */
function showAsking(widget: { initialize(context: never): void; render(context: never): void }, model: unknown): void {
  const again = (): void => {
    viewLife.abort();
    viewLife = new AbortController();
    widget.render({ model, el: stage, signal: viewLife.signal } as never);
  };
  const started = performance.now();
  widget.initialize({ model, signal: modelLife.signal } as never);
  again();
  window.__cotlens = { model, started, show, again, close: () => { viewLife.abort(); modelLife.abort(); } };
}

function show(name: string): void {
  viewLife.abort();
  modelLife.abort();
  modelLife = new AbortController();
  const [scores, pairs] = [SCORES[name], PAIRS[name]];
  if (scores) { showStill(importanceMap().render, scores()); return; }
  if (pairs) { showStill(pairMatrix().render, pairs()); return; }
  const steering = STEERING[name];
  if (steering) { showAsking(steeringPanel(), new AskingFake(steering(), steeringEcho)); return; }
  const features = FEATURES[name];
  if (features) { showAsking(featureTable(), new AskingFake(features())); return; }
  const make = STATES[name] ?? STATES["shaded"];
  const model = new FakeModel((make as () => State)());
  const widget = editor();
  const again = (): void => {
    viewLife.abort();
    viewLife = new AbortController();
    widget.render({ model, el: stage, signal: viewLife.signal });
  };
  const start = performance.now();
  widget.initialize({ model, signal: modelLife.signal });
  again();
  const close = (): void => { viewLife.abort(); modelLife.abort(); };
  window.__cotlens = { model, started: start, show, again, close };
}

function read(): void {
  const wanted = new URLSearchParams(location.hash.slice(1));
  document.body.dataset["jpThemeLight"] = wanted.get("theme") === "dark" ? "false" : "true";
  document.body.toggleAttribute("data-bare", wanted.has("bare"));
  stage.style.width = wanted.has("width") ? `${wanted.get("width")}px` : "";
  const name = wanted.get("state") ?? "shaded";
  const links = Object.keys({ ...STATES, ...SCORES, ...PAIRS, ...STEERING, ...FEATURES }).map((state) => {
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

addEventListener("hashchange", read);
read();
