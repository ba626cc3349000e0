/** The strip over the text: every unit as a bar with its interval, where it stands in the text. Click or drag to go there. */

import { coloursOf, hatch, paperOf, type Colours } from "../kit/canvas";
import { mayBeNothing } from "../kit/heat/certainty";
import { cut } from "../kit/text/cut";
import { h } from "../kit/dom";
import { figure } from "../kit/numbers";
import { bisect } from "../kit/text/text";
import type { ScoreMap } from "./model";
import type { Context, Section } from "./context";

const HEIGHT = 64;
/** Bars narrower than this have no room for an outline or an interval. */
const ROOMY = 5;

export interface Bar { unit: number; x: number; width: number; measured: boolean }

/** One bar per unit, as wide as its text; where units outnumber pixels, the strongest clear one of each pixel. */
export function barsOf(map: ScoreMap, width: number): Bar[] {
  const total = Math.max(1, map.edges[map.count] ?? 1);
  const bars: Bar[] = [];
  for (let unit = 0; unit < map.count; unit += 1) {
    const from = ((map.edges[unit] ?? 0) / total) * width;
    const to = ((map.edges[unit + 1] ?? 0) / total) * width;
    const measured = map.certainty(unit) !== "none";
    const last = bars[bars.length - 1];
    if (last && Math.floor(from) === Math.floor(last.x) && to - from < 1) {
      if (weight(map, unit) > weight(map, last.unit)) Object.assign(last, { unit, measured });
      last.width = Math.max(last.width, to - last.x);
    } else bars.push({ unit, x: from, width: to - from, measured });
  }
  return bars;
}

/** Measured before unmeasured, clear before unclear, large before small. */
function weight(map: ScoreMap, unit: number): number {
  if (map.certainty(unit) === "none") return -1;
  return map.size(unit) + (map.clear(unit) ? map.reach * 2 : 0);
}

export function createStrip({ own, root, signal }: Context, jump: (unit: number, pick: boolean) => void): Section {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const frame = h("div", "cotlens-window", { "aria-hidden": "true" });
  const pin = h("div", "cotlens-pin", { "aria-hidden": "true", hidden: true });
  const track = h("div", "cotlens-track", {}, canvas, frame, pin);
  const high = h("span", "cotlens-number");
  const middle = h("span", "cotlens-number");
  const low = h("span", "cotlens-number");
  const element = h("div", "cotlens-strip", {}, h("div", "cotlens-axis", { "aria-hidden": "true" }, high, middle, low), track);
  let width = 0;

  function draw(): void {
    width = track.clientWidth;
    const paper = paperOf(canvas, width, HEIGHT);
    if (!paper) return;
    const { map, onlyClear } = own.now;
    const colours = coloursOf(root);
    const zero = map.score.signed ? HEIGHT / 2 : HEIGHT - 2;
    const room = map.score.signed ? HEIGHT / 2 - 3 : HEIGHT - 6;
    const y = (value: number): number => zero - Math.max(-1, Math.min(1, value / map.reach)) * room;
    const missing = hatch(paper, colours.edge);
    for (const bar of barsOf(map, width)) {
      if (!bar.measured) { paper.fillStyle = missing; paper.fillRect(bar.x, 2, Math.max(1, bar.width - 0.5), HEIGHT - 4); continue; }
      drawBar(paper, map, bar, y, colours, onlyClear);
    }
    paper.strokeStyle = colours.edge;
    paper.lineWidth = 1;
    paper.beginPath();
    paper.moveTo(0, Math.floor(zero) + 0.5);
    paper.lineTo(width, Math.floor(zero) + 0.5);
    paper.stroke();
    place();
  }

  function drawBar(paper: CanvasRenderingContext2D, map: ScoreMap, bar: Bar, y: (value: number) => number, colours: Colours, onlyClear: boolean): void {
    const { value, low: from, high: to, certainty } = map.bar(bar.unit);
    const roomy = bar.width >= ROOMY;
    const [x, wide] = [bar.x + (roomy ? 1 : 0), Math.max(1, bar.width - (roomy ? 2 : 0.25))];
    const [top, tall] = [Math.min(y(0), y(value)), Math.max(1, Math.abs(y(value) - y(0)))];
    const hue = !map.score.signed ? colours.unsigned : value < 0 ? colours.negative : colours.positive;
    if (mayBeNothing(certainty)) {
      paper.globalAlpha = onlyClear ? 0.55 : 1;
      paper.strokeStyle = colours.muted;
      paper.fillStyle = colours.muted;
      if (roomy) { paper.lineWidth = 1; paper.strokeRect(x + 0.5, top + 0.5, Math.max(1, wide - 1), Math.max(1, tall - 1)); }
      else paper.fillRect(x, Math.round(y(value)), wide, 1); // no room for an outline: its end alone
    } else {
      paper.fillStyle = hue;
      paper.globalAlpha = Math.min(1, (map.score.signed ? colours.alpha : colours.unsignedAlpha) + 0.2);
      paper.fillRect(x, top, wide, tall);
    }
    paper.globalAlpha = 1;
    if (!(to > from) || bar.width < ROOMY) return;
    const middle = Math.round(bar.x + bar.width / 2) + 0.5;
    paper.strokeStyle = mayBeNothing(certainty) ? colours.muted : colours.text;
    paper.lineWidth = 1;
    paper.beginPath();
    paper.moveTo(middle, y(from));
    paper.lineTo(middle, y(to));
    paper.stroke();
  }

  function at(unit: number): number {
    const { map } = own.now;
    return ((map.edges[unit] ?? 0) / Math.max(1, map.edges[map.count] ?? 1)) * width;
  }

  function place(): void {
    const { seen, picked, map } = own.now;
    const [from, to] = [at(seen.first), at(seen.last)];
    frame.hidden = seen.last <= seen.first || (seen.first === 0 && seen.last >= map.count);
    frame.style.transform = `translateX(${from}px)`;
    frame.style.width = `${Math.max(6, to - from)}px`;
    pin.hidden = picked === null;
    if (picked !== null) pin.style.transform = `translateX(${(at(picked) + at(picked + 1)) / 2}px)`;
  }

  function axis(): void {
    const { map } = own.now;
    const written = (value: number): string => figure(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace(/^(\D?)0\./, "$1.");
    high.textContent = `${map.score.signed ? "+" : ""}${written(map.score.reach)}`;
    middle.textContent = written(map.score.base);
    low.textContent = map.score.signed ? `\u2212${written(map.score.reach)}` : "";
    element.classList.toggle("cotlens-unsigned", !map.score.signed);
  }

  const unitAt = (event: PointerEvent): number => {
    const { map } = own.now;
    const share = (event.clientX - track.getBoundingClientRect().left) / Math.max(1, width);
    return Math.max(0, Math.min(map.count - 1, bisect(map.edges, share * (map.edges[map.count] ?? 0), map.count)));
  };
  let from: number | null = null;
  canvas.addEventListener("pointerdown", (event) => { from = event.clientX; canvas.setPointerCapture(event.pointerId); jump(unitAt(event), false); }, { signal });
  canvas.addEventListener("pointermove", (event) => {
    const unit = unitAt(event);
    canvas.title = cut(own.now.map.spoken(unit), 300);
    if (from !== null) jump(unit, false);
  }, { signal });
  canvas.addEventListener("pointerup", (event) => {
    // A click picks; a drag only looks around.
    if (from !== null && Math.abs(event.clientX - from) < 4) jump(unitAt(event), true);
    from = null;
  }, { signal });
  canvas.addEventListener("pointercancel", () => { from = null; }, { signal });

  const resize = new ResizeObserver(draw);
  resize.observe(track);
  signal.addEventListener("abort", () => resize.disconnect());
  // A frame later: JupyterLab hides its content for a moment while it changes the theme.
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(draw), { signal });

  return {
    element,
    update(changed) {
      if (changed.has("map")) axis();
      if (changed.has("map") || changed.has("onlyClear")) draw();
      else if (changed.has("seen") || changed.has("picked")) place();
    },
  };
}
