/** A page that shows every state of the editor without a kernel: #state=shaded&theme=dark&width=900&bare. */

import "./gallery.css";
import editor from "../editor/index";
import type { State } from "../editor/state";
import { FakeModel } from "./model";
import { STATES } from "./fixtures";

/** For the browser tests and the benchmark: nothing of this is in the widget's bundle. */
interface Hooks { model: FakeModel; started: number; show(state: string): void; again(): void; close(): void }
declare global { interface Window { __cotlens: Hooks } }

const stage = document.getElementById("stage") as HTMLElement;
let modelLife = new AbortController();
let viewLife = new AbortController();

function show(name: string): void {
  viewLife.abort();
  modelLife.abort();
  modelLife = new AbortController();
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
  const links = Object.keys(STATES).map((state) => {
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
