/** Rollouts as points of a plane, linked with the rows both ways. */

import { floatsOf } from "../kit/kernel/bytes";
import { coloursOf, paperOf } from "../kit/canvas";
import { shortened } from "../kit/text/cut";
import { h, setAttribute } from "../kit/dom";
import { any, type Context, type Section } from "./context";

const EDGE = 28;
const NEAR = 12;
/** The form of a point says its answer; answers beyond the last share it. */
const FORMS = ["disc", "square", "triangle", "cross", "ring"] as const;

export function createPlane({ store, root, signal }: Context): Section & { focus(): void } {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const caption = h("p", "cotlens-meaning");
  const stage = h("div", "cotlens-plane", { role: "application", tabindex: 0, "data-region": "plane", "aria-label": "rollouts as points; arrows go from one to the next" }, canvas);
  const element = h("div", "cotlens-planepart", {}, stage, caption);
  let rows: number[] = [];
  let places: [number, number][] = [];

  /** What a point's form and colour say: its answer, or of several prompts which one it is of. */
  function kindOf(row: number): number {
    const { model } = store;
    return store.own.now.prompt === null ? model.prompt[row] ?? 0 : (model.group[row] ?? 0) - model.groups.findIndex(({ prompt }) => prompt === store.own.now.prompt);
  }

  function draw(): void {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    const paper = paperOf(canvas, width, height);
    if (!paper) return;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const colours = coloursOf(root);
    rows = store.model.rows(store.own.now.prompt);
    const points = floatsOf(store.plane.places);
    const ends = [0, 1].map((axis) => {
      const along = rows.map((_, i) => points[2 * i + axis] ?? 0);
      const [low, high] = along.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
      return [low, Math.max(1e-9, high - low)] as const;
    });
    const at = (i: number, axis: number, room: number): number => EDGE + (((points[2 * i + axis] ?? 0) - (ends[axis]?.[0] ?? 0)) / (ends[axis]?.[1] ?? 1)) * (room - 2 * EDGE);
    places = rows.map((_, i) => [at(i, 0, width), height - at(i, 1, height)]);
    const listed = new Set(store.lines.map((line) => line.row));
    places.forEach(([x, y], i) => {
      const kind = Math.min(4, kindOf(rows[i] as number));
      paper.globalAlpha = listed.has(rows[i] as number) ? 0.75 : 0.12;
      paper.fillStyle = paper.strokeStyle = [colours.positive, colours.negative, colours.unsigned, colours.text, colours.muted][kind] as string;
      point(paper, FORMS[kind] as string, x, y);
    });
    paper.globalAlpha = 1;
    const chosen = [...store.own.now.pinned, ...(store.own.now.picked ? [store.own.now.picked.row] : [])];
    for (const row of chosen) {
      const [x, y] = places[rows.indexOf(row)] ?? [-99, -99];
      paper.strokeStyle = colours.accent;
      paper.lineWidth = 2;
      paper.strokeRect(x - 7, y - 7, 14, 14);
    }
  }

  stage.addEventListener("click", (event) => {
    const box = stage.getBoundingClientRect();
    let [best, least] = [-1, NEAR];
    places.forEach(([x, y], i) => {
      const far = Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
      if (far < least) [best, least] = [i, far];
    });
    if (best >= 0) store.own.set({ picked: { row: rows[best] as number, sentence: -1 } });
  }, { signal });
  const resize = new ResizeObserver(draw);
  resize.observe(stage);
  signal.addEventListener("abort", () => resize.disconnect());
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(() => { if (!signal.aborted) draw(); }), { signal });

  return {
    element,
    focus() { stage.focus({ preventScroll: true }); },
    update(changed) {
      const { tab, picked } = store.own.now;
      setAttribute(element, "hidden", tab !== "plane");
      setAttribute(stage, "aria-description", picked ? store.model.spoken({ row: picked.row, sentence: -1 }) : null);
      if (any(changed, "data", "prompt")) {
        const [x, y] = store.plane.explained ?? [0, 0];
        const asked = store.model.compared(store.own.now.prompt);
        const kinds = asked ? asked.groups.map(({ answer }) => shortened(answer ?? "answer not read", 40)) : store.model.prompts.map((_, i) => `prompt ${i}`);
        const forms = kinds.slice(0, 5).map((each, i) => `${["●", "■", "▲", "×", "○"][i]} ${each}${i === 4 && kinds.length > 5 ? " and others" : ""}`);
        caption.textContent = "";
        caption.append(h("span", "", {}, `${forms.join("   ")} · principal components of ${store.plane.of ?? "nothing"}: right ${((x ?? 0) * 100).toFixed(0)} %, up ${((y ?? 0) * 100).toFixed(0)} % of variance`));
      }
      if (tab === "plane" && any(changed, "tab", "lines", "prompt", "picked", "pinned", "data")) draw();
    },
  };
}

function point(paper: CanvasRenderingContext2D, form: string, x: number, y: number): void {
  paper.beginPath();
  paper.lineWidth = 1.5;
  if (form === "square") paper.rect(x - 3.5, y - 3.5, 7, 7);
  else if (form === "triangle") { paper.moveTo(x, y - 5); paper.lineTo(x + 4.5, y + 3.5); paper.lineTo(x - 4.5, y + 3.5); paper.closePath(); }
  else if (form === "cross") { paper.moveTo(x - 4, y - 4); paper.lineTo(x + 4, y + 4); paper.moveTo(x + 4, y - 4); paper.lineTo(x - 4, y + 4); }
  else paper.arc(x, y, 4, 0, 2 * Math.PI);
  if (form === "cross" || form === "ring") paper.stroke();
  else paper.fill();
}
