/** The canvas of rows. It is as large as its window and draws the lines that are scrolled into it. */

import { coloursOf, paperOf, ratioOf, shift, type Colours } from "../kit/canvas";
import { h, setAttribute, setText, uniqueId } from "../kit/dom";
import { shortened } from "../kit/text/cut";
import { drawable } from "../kit/text/special";
import { bisect } from "../kit/text/text";
import type { Line, Place } from "./model";
import { any, isDark, lookOf, type Context, type Look, type Section } from "./context";

const ROW = 16;
const TITLE = 28;
const GUTTER = 52;
const RING = 2;
const [LEAST, WIDEST] = [5, 22];

export interface GridSection extends Section { focus(): void; move(rows: number, sentences: number): void }

export function createGrid({ store, root, signal }: Context): GridSection {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const room = h("div", "cotlens-room");
  // Over the rows of a group whose title was scrolled away.
  const within = h("div", "cotlens-within", { "aria-hidden": "true" });
  const cellId = uniqueId("cell");
  // One cell stands for all in the document: a screen reader needs only the current one.
  const current = h("div", "", { role: "gridcell", id: cellId });
  const spokenRow = h("div", "cotlens-unseen", { role: "row" }, current);
  const element = h("div", "cotlens-grid", { role: "grid", tabindex: 0, "aria-label": "rollouts, sentence by sentence", "data-region": "rows", "aria-readonly": "true" },
    h("div", "cotlens-sticky", {}, canvas, within), room, spokenRow);
  let tops = new Float64Array(1);
  /** Rows of each group that are listed. */
  const shown = new Map<number, number>();
  let wide = LEAST;
  let size = { width: 0, height: 0 };
  let pending = false;
  let paints: { colours: Colours; looks: Look[] } | null = null;
  /** Where the window stood when it was drawn; null where nothing of it holds any more. */
  let drawn: { top: number; left: number } | null = null;

  function measure(): void {
    const { lines, model } = store;
    size = { width: element.clientWidth, height: element.clientHeight };
    wide = Math.max(LEAST, Math.min(WIDEST, (size.width - GUTTER - 8) / Math.max(1, model.width(store.own.now.prompt)))) * store.own.now.zoom;
    tops = new Float64Array(lines.length + 1);
    shown.clear();
    lines.forEach((line, i) => {
      tops[i + 1] = (tops[i] as number) + (line.row === null ? TITLE : ROW);
      if (line.row !== null) shown.set(line.group, (shown.get(line.group) ?? 0) + 1);
    });
    room.style.width = `${Math.floor(GUTTER + wide * model.width(store.own.now.prompt))}px`;
    room.style.height = `${tops[lines.length] ?? 0}px`;
  }

  /** Draws what is in the window. Of one that was only scrolled up or down, what it shows still is moved, not drawn. */
  function draw(): void {
    const ratio = ratioOf();
    const top = Math.round(element.scrollTop * ratio) / ratio;
    const left = element.scrollLeft;
    const by = drawn?.left === left ? top - drawn.top : Infinity;
    if (by === 0) return;
    const moved = Math.abs(by) < size.height ? by : 0;
    const paper = moved ? canvas.getContext("2d") : paperOf(canvas, size.width, size.height);
    if (!paper) return;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    paints ??= { colours: coloursOf(root), looks: store.model.said.categories.map((name) => lookOf(name, isDark(root))) };
    if (!moved) drawLines(paper, top, 0, size.height);
    else {
      shift(paper, -moved);
      drawLines(paper, top, moved > 0 ? size.height - moved : 0, Math.abs(moved));
    }
    drawn = { top, left };
    say(top);
  }

  function say(top: number): void {
    const i = bisect(tops, top, store.lines.length);
    const line = store.lines[i];
    within.hidden = !line || (line.row === null && (tops[i] as number) >= top);
    within.style.width = `${size.width}px`;
    if (line && !within.hidden) setText(within, titleOf(line.group).join("   "));
  }

  /** A group's name, and how many of its prompt's rollouts it has. */
  function titleOf(group: number): [string, string] {
    const { n, of, prompt, share, low, high } = store.model.groups[group] as NonNullable<(typeof store.model.groups)[number]>;
    const percent = (value: number): string => (value * 100).toFixed(0);
    const name = `${store.own.now.prompt === null ? `prompt ${prompt} · ` : ""}${shortened(drawable(store.model.named(group)).replace(/\s+/g, " "), 60)}`;
    const listed = shown.get(group) ?? 0;
    return [name, `${n} of ${of} · ${percent(share)} % [${percent(low)}, ${percent(high)}]${listed < n ? ` · ${listed} shown` : ""}`];
  }

  /** Draws the lines that stand in a band of the window. */
  function drawLines(paper: CanvasRenderingContext2D, top: number, y: number, tall: number): void {
    paper.save();
    paper.beginPath();
    paper.rect(0, y, size.width, tall);
    paper.clip();
    paper.textBaseline = "middle";
    const { lines } = store;
    // What is picked has a frame that reaches into the lines beside it.
    for (let i = Math.max(0, bisect(tops, top + y, lines.length) - 1); i < lines.length && (tops[i] as number) < top + y + tall + 2; i += 1) {
      const line = lines[i] as Line;
      if (line.row === null) drawTitle(paper, line.group, (tops[i] as number) - top);
      else drawRow(paper, line.row, (tops[i] as number) - top);
    }
    paper.restore();
  }

  function drawTitle(paper: CanvasRenderingContext2D, group: number, y: number): void {
    const { text, line: rule, muted } = (paints as NonNullable<typeof paints>).colours;
    const [name, shares] = titleOf(group);
    paper.fillStyle = rule;
    paper.fillRect(RING, y, size.width - 2 * RING, 1);
    paper.fillStyle = text;
    paper.font = "600 13px system-ui, sans-serif";
    paper.fillText(name, 8, y + TITLE / 2 + 1);
    const after = 8 + paper.measureText(name).width + 12;
    paper.fillStyle = muted;
    paper.font = "12px system-ui, sans-serif";
    paper.fillText(shares, after, y + TITLE / 2 + 1);
  }

  function drawRow(paper: CanvasRenderingContext2D, row: number, y: number): void {
    const { colours, looks } = paints as NonNullable<typeof paints>;
    const { model } = store;
    const { only, query, picked, pinned, opened } = store.own.now;
    const found = query === "" ? null : model.found(row, query);
    const part = pinned.length === 2 && pinned.includes(row) ? model.sentenceAt(row, model.parting(pinned[0] as number, pinned[1] as number)) : -1;
    for (let at = model.at(row) + model.fromColumn(row, Math.floor(element.scrollLeft / wide)); at < model.at(row + 1); at += 1) {
      const x = GUTTER + (model.column[at] as number) * wide - element.scrollLeft;
      if (x > size.width) break;
      const category = model.category[at] as number;
      const look = looks[category];
      const low = model.alike[at] === 0;
      paper.globalAlpha = (only !== null && only !== category) || (found !== null && !found.has(at - model.at(row))) ? 0.15 : 1;
      paper.fillStyle = look?.colour ?? colours.edge;
      paper.fillRect(x, y + (low ? 8 : 1), Math.max(1, wide - 1), low ? ROW - 9 : ROW - 2);
      if (wide >= 13 && !low && look) {
        paper.fillStyle = look.ink;
        paper.font = "10px system-ui, sans-serif";
        paper.textAlign = "center";
        paper.fillText(look.letter, x + wide / 2, y + ROW / 2 + 1);
        paper.textAlign = "start";
      }
      paper.globalAlpha = 1;
      if (at - model.at(row) === part) { paper.fillStyle = colours.text; paper.fillRect(x - 2, y - 1, 2, ROW + 2); }
      if (picked?.row === row && picked.sentence === at - model.at(row)) { paper.strokeStyle = colours.accent; paper.lineWidth = 2; paper.strokeRect(x - 1, y, wide + 1, ROW); }
    }
    paper.fillStyle = colours.background;
    // The edge is the focus ring's.
    paper.fillRect(RING, y, GUTTER - 2 - RING, ROW);
    if (picked?.row === row) { paper.fillStyle = colours.accent; paper.fillRect(RING, y, 3, ROW); }
    const signs = `${pinned.includes(row) ? "◆" : ""}${opened.includes(row) ? "✎" : ""}`;
    paper.fillStyle = signs || picked?.row === row ? colours.text : colours.muted;
    paper.font = `${signs ? "700 " : ""}11px system-ui, sans-serif`;
    paper.textAlign = "end";
    paper.fillText(`${signs} ${row}`, GUTTER - 8, y + ROW / 2 + 1);
    paper.textAlign = "start";
  }

  /** Draws with the next frame; all anew, unless the window was only scrolled. */
  const redraw = (scrolled: boolean): void => {
    if (!scrolled) drawn = null;
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; if (!signal.aborted) draw(); });
  };

  function placeAt(event: MouseEvent): Place | null {
    const box = element.getBoundingClientRect();
    const i = bisect(tops, event.clientY - box.top + element.scrollTop, store.lines.length);
    const line = store.lines[i];
    if (!line || line.row === null) return null;
    const column = Math.floor((event.clientX - box.left + element.scrollLeft - GUTTER) / wide);
    return { row: line.row, sentence: column < 0 ? -1 : store.model.inColumn(line.row, column) };
  }

  function reveal({ row, sentence }: Place): void {
    const i = store.lines.findIndex((line) => line.row === row);
    if (i < 0) return;
    const [top, bottom] = [tops[i] as number, tops[i + 1] as number];
    if (top < element.scrollTop + TITLE) element.scrollTop = top - TITLE;
    else if (bottom > element.scrollTop + size.height) element.scrollTop = bottom - size.height + ROW;
    if (sentence < 0) return;
    const x = (store.model.column[store.model.at(row) + sentence] as number) * wide;
    if (x < element.scrollLeft || x + wide > element.scrollLeft + size.width - GUTTER) element.scrollLeft = x - (size.width - GUTTER) / 2;
  }

  function spoken(): void {
    const { picked } = store.own.now;
    setAttribute(element, "aria-activedescendant", picked === null ? null : cellId);
    if (picked === null) return;
    setAttribute(current, "aria-label", store.model.spoken(picked));
    reveal(picked);
  }

  element.addEventListener("scroll", () => redraw(true), { signal, passive: true });
  element.addEventListener("click", (event) => { const picked = placeAt(event); if (picked) store.own.set({ picked }); }, { signal });
  element.addEventListener("dblclick", () => store.open(), { signal });
  const resize = new ResizeObserver(() => { measure(); drawn = null; draw(); });
  resize.observe(element);
  signal.addEventListener("abort", () => resize.disconnect());
  root.addEventListener("cotlens-theme", () => { paints = null; redraw(false); }, { signal });

  return {
    element,
    focus() { element.focus({ preventScroll: true }); },
    /** To the rollout or the sentence so many further; a step between rollouts keeps to the column. */
    move(rows, sentences) {
      const order = store.lines.flatMap((line) => (line.row === null ? [] : [line.row]));
      if (order.length === 0) return;
      const { picked } = store.own.now;
      const i = picked ? order.indexOf(picked.row) : -1;
      const row = order[i < 0 ? 0 : Math.max(0, Math.min(order.length - 1, i + rows))] as number;
      const { model } = store;
      const column = picked && picked.sentence >= 0 ? (model.column[model.at(picked.row) + picked.sentence] as number) : 0;
      const sentence = rows !== 0 || !picked ? model.nearest(row, column) : Math.max(-1, Math.min(model.sentences(row) - 1, picked.sentence + sentences));
      store.own.set({ picked: { row, sentence } });
    },
    update(changed) {
      setAttribute(element, "hidden", store.own.now.tab !== "rows");
      if (any(changed, "lines", "zoom", "data", "tab", "prompt")) measure();
      if (changed.has("lines")) { setAttribute(element, "aria-rowcount", store.lines.length); }
      if (changed.has("data")) paints = null;
      if (changed.has("picked")) spoken();
      if (any(changed, "lines", "zoom", "data", "tab", "picked", "pinned", "only", "query", "opened", "prompt")) redraw(false);
    },
  };
}
