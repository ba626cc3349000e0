/** The strip: a time line of the thought to scrub through. Nothing here asks the model anything. */

import { button, h, onClick, setAttribute, setInvisible, setOff, setText, svg } from "../../kit/dom";
import { count, shortProbability } from "../../kit/numbers";
import { Chances, chanceWords } from "./chances";
import { any, type Context, type Section } from "../context";
import { dashOf, drawCells, drawCurves, readColours, tokenAtX, xOf, type StripShape } from "./strip-draw";

const SHAPE = { height: 72, curve: 52, cells: 14 };

export interface StripSection extends Section {
  /** Frames the tokens that the reading view shows. */
  frame(first: number, last: number): void;
}

export function createStrip({ store, actions, root, signal }: Context, jump: (token: number, where: "nearest" | "center") => void): StripSection {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const window_ = h("div", "cotlens-window", { "aria-hidden": "true" });
  const handle = h("div", "cotlens-handle", {
    role: "slider", tabindex: 0, "aria-label": "stop the thought before token", "aria-orientation": "horizontal",
  }, h("i", "cotlens-handle-line"), h("i", "cotlens-grip"));
  const shade = h("div", "cotlens-after", { "aria-hidden": "true" });
  const track = h("div", "cotlens-track", {}, canvas, window_, shade, handle);
  const key = h("span", "cotlens-key");
  const saidLead = h("span", "cotlens-said-lead");
  const saidAnswers = h("span");
  const said = h("span", "cotlens-said", {}, saidLead, saidAnswers);
  const cut = button("cotlens-button", "Truncate here", { "data-action": "truncate-stop" });
  const all = button("cotlens-button cotlens-quiet", "Show all", { "data-action": "clear-stop" });
  const flag = h("span", "cotlens-flag", {}, said, cut, all);
  const element = h("div", "cotlens-strip", { role: "group", "aria-label": "probability of each answer if the thought stopped here" },
    h("div", "cotlens-flagline", {}, key, flag), h("div", "cotlens-axis", { "aria-hidden": "true" }, h("span", "", {}, "1"), h("span", "", {}, "0")), track);

  let chances: Chances | null = null;
  let shape: StripShape = { ...SHAPE, width: 0 };
  let framed = { first: 0, last: 0 };
  let writing = false;

  const range = () => actions.thought();
  const stop = (): number => store.own.stop ?? range().last;
  const setStop = (token: number): void => {
    const { first, last } = range();
    const at = Math.max(first, Math.min(last, token));
    store.setOwn({ stop: at >= last ? null : at });
    store.flush();
  };

  function draw(): void {
    const width = track.clientWidth;
    if (width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    shape = { ...SHAPE, width };
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(SHAPE.height * ratio);
    }
    const paper = canvas.getContext("2d");
    if (!paper) return;
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.clearRect(0, 0, width, SHAPE.height);
    const colours = readColours(root);
    paper.strokeStyle = colours.line;
    paper.lineWidth = 1;
    for (const y of [2.5, SHAPE.curve - 1.5]) { paper.beginPath(); paper.moveTo(0, y); paper.lineTo(width, y); paper.stroke(); }
    const { shading } = store.payload;
    if (shading) drawCells(paper, store.levels, range(), shape, colours, shading.signed, store.own.intensity);
    if (chances) drawCurves(paper, chances, range(), shape, colours);
    place();
    placeWindow();
  }

  function words(token: number): { lead: string; answers: string } {
    const ranked = chances?.ranked(token) ?? [];
    const since = chances?.since(token) ?? 0;
    if (ranked.length && since > 0) return { lead: `not measured here; ${count(since, "token")} before it would answer `, answers: chanceWords(ranked) };
    return ranked.length ? { lead: "stopped here it would answer ", answers: chanceWords(ranked) } : { lead: "stopped here: ", answers: "answer not measured" };
  }

  function place(): void {
    const { first, last } = range();
    const at = stop();
    const x = xOf(at, { first, last }, shape.width);
    handle.style.transform = `translateX(${x}px)`;
    shade.style.transform = `translateX(${x}px)`;
    shade.style.width = `${Math.max(0, shape.width - x)}px`;
    const active = store.own.stop !== null;
    const { lead, answers } = words(at);
    handle.classList.toggle("cotlens-active", active);
    handle.hidden = last <= first;
    setAttribute(handle, "aria-valuemin", first);
    setAttribute(handle, "aria-valuemax", last);
    setAttribute(handle, "aria-valuenow", at);
    setAttribute(handle, "aria-valuetext", `${active ? `before token ${at} of ${last}` : "end of the thought"}: ${lead}${answers}`);
    setInvisible(flag, !active);
    setInvisible(key, active);
    if (!active) return;
    setText(saidLead, lead);
    setText(saidAnswers, answers);
    setAttribute(flag, "title", `stopped before token ${at}`);
    setOff(cut, actions.reason("truncate", at), "make this a branch: keep the thought up to here");
    const room = element.clientWidth - flag.offsetWidth - 12;
    flag.style.transform = `translateX(${Math.max(12, Math.min(room, x + 24))}px)`;
  }

  function placeWindow(): void {
    const { first, last } = range();
    const from = xOf(framed.first, { first, last }, shape.width);
    const to = xOf(framed.last, { first, last }, shape.width);
    window_.hidden = store.payload.stream !== null || last <= first || framed.last <= framed.first || (framed.first <= first && framed.last >= last);
    window_.style.transform = `translateX(${from}px)`;
    window_.style.width = `${Math.max(6, to - from)}px`;
  }

  function drawKey(): void {
    const parts: Node[] = [];
    const { strip } = store.payload;
    if (chances && strip) {
      const end = range().last;
      const point = chances.pointAt(end);
      const entry = (column: number, className: string, dash: number[]): void => {
        if (column < 0 || !chances) return;
        const words = `p(${chances.name(column)}) ${shortProbability(chances.value(point, column))}`;
        const named = column < strip.answers.length;
        const each = h(named ? "button" : "span", className, {
          "data-answer": chances.name(column), title: column === chances.target ? "the answer that is followed" : named ? "follow this answer" : "answers that have no curve of their own, together",
          ...(named ? { type: "button", "aria-pressed": String(column === chances.target) } : {}),
        }, stroke(dash), words);
        if (named && column !== chances.target) each.addEventListener("click", () => { if (store.off === null) actions.follow(column === 0 ? "" : chances?.name(column) ?? ""); });
        parts.push(each);
      };
      entry(chances.target, "cotlens-target", []);
      chances.others.forEach((column, i) => entry(column, "cotlens-rival", dashOf(i)));
      if (store.payload.stream) parts.push(h("span", "", {}, "of the text before:"));
      else if (store.payload.document?.rerun_at != null) parts.push(h("span", "", {}, "edited text, not rerun:"));
      parts.push(h("span", "cotlens-muted", {}, strip.complete ? strip.sparse ? "if the thought stopped there; thin lines: interpolated" : "if the thought stopped at each token; drag the handle" : "measured so far, if the thought stopped at each token"));
    } else if (store.payload.document && range().last > range().first) {
      parts.push(h("span", "cotlens-muted", {}, `${count(range().last - range().first, "token")} of thought; answers at each point are not measured yet`));
    }
    key.replaceChildren(...parts);
  }

  /** A piece of the line, dashed as in the picture. */
  function stroke(dash: number[]): SVGElement {
    return svg("svg", { class: "cotlens-stroke", viewBox: "0 0 18 2", width: 18, height: 2, "aria-hidden": "true" }, svg("path", { d: "M0 1H18", "stroke-dasharray": dash.join(" ") || null }));
  }

  // Dragging: the pointer keeps its distance from the handle's middle, so grabbing never makes it jump.
  let grabbed: number | null = null;
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    grabbed = event.clientX - track.getBoundingClientRect().left - xOf(stop(), range(), shape.width);
  }, { signal });
  handle.addEventListener("pointermove", (event) => {
    if (grabbed === null) return;
    setStop(tokenAtX(event.clientX - track.getBoundingClientRect().left - grabbed, range(), shape.width));
    jump(stop(), "nearest");
  }, { signal });
  for (const end of ["pointerup", "pointercancel"] as const) handle.addEventListener(end, () => { grabbed = null; }, { signal });

  let panning = false;
  const pan = (event: PointerEvent): void => {
    const at = tokenAtX(event.clientX - track.getBoundingClientRect().left, range(), shape.width);
    jump(Math.min(at, range().last - 1), "center");
  };
  canvas.addEventListener("pointerdown", (event) => { panning = true; canvas.setPointerCapture(event.pointerId); pan(event); }, { signal });
  canvas.addEventListener("pointermove", (event) => { if (panning) pan(event); }, { signal });
  for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, () => { panning = false; }, { signal });

  handle.addEventListener("keydown", (event) => {
    const { first, last } = range();
    const wide = event.ctrlKey || event.shiftKey;
    const step = (by: number): number => (wide ? sentenceStop(by) : stop() + by);
    const to = {
      ArrowLeft: step(-1), ArrowRight: step(1), ArrowDown: sentenceStop(-1), ArrowUp: sentenceStop(1),
      PageDown: stop() - 25, PageUp: stop() + 25, Home: first, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setStop(to);
    jump(Math.min(stop(), last - 1), "nearest");
  }, { signal });

  function sentenceStop(by: number): number {
    const starts = [...store.text.sentences.map((sentence) => sentence.first), range().last];
    const at = stop();
    return (by > 0 ? starts.find((start) => start > at) : starts.filter((start) => start < at).pop()) ?? at;
  }

  onClick(cut, signal, () => actions.truncate(stop()));
  onClick(all, signal, () => { store.setOwn({ stop: null }); handle.focus({ preventScroll: true }); });
  const resize = new ResizeObserver(() => draw());
  resize.observe(track);
  signal.addEventListener("abort", () => resize.disconnect());
  // A frame later: JupyterLab hides its content for a moment while it changes the theme.
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(draw), { signal });

  return {
    element,
    frame(first, last) { framed = { first, last }; placeWindow(); },
    update(changed) {
      if (any(changed, "strip", "strip_at", "strip_values", "document")) {
        const { strip, strip_at: at, strip_values: values } = store.payload;
        chances = strip ? new Chances(strip, at, values) : null;
      }
      if (any(changed, "strip", "strip_at", "strip_values", "document", "token_offsets", "shading", "shading_rows", "shading_values", "shading_certainty", "over", "scale_lock", "intensity")) { drawKey(); draw(); }
      else if (any(changed, "stop", "alive", "broken", "loading")) place();
      // The curve is of the text before, from the first piece of the new one to its last.
      if (changed.has("stream") && writing !== (store.payload.stream !== null)) { writing = !writing; drawKey(); placeWindow(); }
    },
  };
}
