/** The tree of shared prefixes: to the right its tokens, downwards shares of rollouts; a triangle where answers shift. */

import { coloursOf, paperOf } from "../kit/canvas";
import { h, setAttribute, setText } from "../kit/dom";
import { cut, shortened } from "../kit/text/cut";
import { count, quoted } from "../kit/numbers";
import { drawable } from "../kit/text/special";
import type { Model } from "./model";
import { any, type Context, type Section } from "./context";
import type { Node } from "./protocol";

const HEIGHT = 84;

interface Box { x: number; y: number; wide: number; tall: number }

/** Where each node stands in a window: below each other in their parent's height, as many pixels as their share. */
export function boxesOf(tree: readonly Node[], width: number, height: number): Box[] {
  const whole = tree[0]?.rows.length ?? 1;
  // What all share is often a long prompt: it takes the first tenth, and the rest shows where they part.
  const from = tree[0]?.end ?? 0;
  const deepest = Math.max(1, ...tree.map((node) => node.end - from));
  const x = (token: number): number => (token <= from ? (from === 0 ? 0.1 : (token / from) * 0.1) : 0.1 + 0.9 * ((token - from) / deepest)) * width;
  const used = tree.map(() => 0);
  const boxes: Box[] = [];
  tree.forEach((node, i) => {
    const tall = (node.rows.length / whole) * height;
    const above = node.parent < 0 ? null : boxes[node.parent] ?? null;
    const y = above === null ? 0 : above.y + (used[node.parent] as number);
    if (above !== null) used[node.parent] = (used[node.parent] as number) + tall;
    boxes[i] = { x: x(node.start), y, wide: Math.max(2, x(node.end) - x(node.start)), tall };
  });
  return boxes;
}

export interface TreeSection extends Section { step(by: number): void }

export function createTree({ store, root, signal }: Context): TreeSection {
  const canvas = h("canvas", "cotlens-canvas", { "aria-hidden": "true" });
  const strip = h("div", "cotlens-tree", { role: "slider", tabindex: 0, "aria-label": "shared prefixes", "aria-valuemin": -1, "data-region": "tree" }, canvas);
  const words = h("p", "cotlens-meaning cotlens-treewords");
  const element = h("div", "cotlens-treepart", {}, strip, words);
  let boxes: Box[] = [];

  function draw(): void {
    strip.hidden = store.tree.length === 0;
    const width = strip.clientWidth;
    const { tree } = store;
    boxes = boxesOf(tree, width - 12, HEIGHT - 4);
    const paper = paperOf(canvas, width, HEIGHT);
    if (!paper) return;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const colours = coloursOf(root);
    boxes.forEach(({ x, y, wide, tall }, i) => {
      const chosen = store.own.now.node === i;
      paper.fillStyle = chosen ? colours.accent : colours.edge;
      paper.globalAlpha = chosen ? 1 : 0.35;
      paper.fillRect(x, y + 2, Math.max(1, wide - 1), Math.max(1, tall - 1));
    });
    paper.globalAlpha = 1;
    paper.font = "11px system-ui, sans-serif";
    paper.textBaseline = "middle";
    tree.forEach((node, i) => {
      paper.fillStyle = store.own.now.node === i ? colours.background : colours.text;
      if (boxes[i]) write(paper, node, boxes[i]);
    });
    tree.forEach((node, i) => {
      const box = boxes[i];
      if (!node.shifts || !box) return;
      const middle = box.y + 2 + box.tall / 2;
      paper.fillStyle = colours.positive;
      paper.strokeStyle = colours.text;
      paper.beginPath();
      paper.moveTo(box.x, middle - 6);
      paper.lineTo(box.x + 9, middle);
      paper.lineTo(box.x, middle + 6);
      paper.closePath();
      paper.fill();
      paper.stroke();
    });
  }

  function say(): void {
    const { node, prompt } = store.own.now;
    const { tree } = store;
    const shifts = tree.filter((each) => each.shifts).length;
    setText(words, node === null
      ? prompt === null ? "Choose one prompt to see which beginnings its rollouts share, and where their answers shift." : tree.length === 0 ? "No two rollouts to compare." : `${known(tree.length, store.model.compared(prompt)?.prefixes ?? 0)}; right: tokens, down: share of rollouts. ${shifts === 0 ? store.model.unshifted(prompt) : `▸ at ${shifts}: answers shift by more than chance (permutation, false discovery rate 5 %).`}`
      : wordsOf(store.model, tree, tree[node] as Node));
    setAttribute(strip, "aria-valuemax", Math.max(0, tree.length - 1));
    setAttribute(strip, "aria-valuenow", node ?? -1);
    setAttribute(strip, "aria-valuetext", words.textContent);
  }

  function step(by: number): void {
    const to = (store.own.now.node ?? -1) + by;
    store.arrange({ node: to < 0 || store.tree.length === 0 ? null : Math.min(store.tree.length - 1, to) });
  }

  strip.addEventListener("click", (event) => {
    const box = strip.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top - 2];
    const hit = boxes.map((each) => x >= each.x && x <= each.x + each.wide && y >= each.y && y <= each.y + each.tall).lastIndexOf(true);
    store.arrange({ node: hit < 0 || hit === store.own.now.node ? null : hit });
  }, { signal });
  const resize = new ResizeObserver(draw);
  resize.observe(strip);
  signal.addEventListener("abort", () => resize.disconnect());
  root.addEventListener("cotlens-theme", () => requestAnimationFrame(() => { if (!signal.aborted) draw(); }), { signal });

  return { element, step, update(changed) { if (any(changed, "node", "prompt", "data")) { draw(); say(); } } };
}

/** The beginning of what a prefix adds, where its box has room for it; of what all share, the end. */
function write(paper: CanvasRenderingContext2D, node: Node, { x, y, wide, tall }: Box): void {
  const from = x + (node.shifts ? 13 : 4);
  const space = x + wide - 4 - from;
  if (tall < 13) return;
  const words = drawable(node.text).replace(/\s+/g, " ").trim();
  for (let room = Math.min(words.length, Math.ceil(space / 4)); room >= 4 || room === words.length; room -= 1) {
    const told = words.length <= room ? words : node.parent < 0 ? `…${cut(words, 1 - room)}` : shortened(words, room - 1);
    if (paper.measureText(told).width > space) continue;
    paper.fillText(told, from, y + 2 + tall / 2);
    return;
  }
}

function known(shown: number, all: number): string {
  return shown < all ? `${shown.toLocaleString("en-US")} of ${all.toLocaleString("en-US")} shared prefixes, those that most share` : count(all, "shared prefix", "shared prefixes");
}

function wordsOf(model: Model, tree: readonly Node[], node: Node): string {
  const text = node.text.length > 90 ? `…${cut(node.text, -90)}` : node.text;
  const share = `${count(node.rows.length, "rollout")} begin with tokens 0 to ${node.end}, the last ${quoted(text)}`;
  const parent = tree[node.parent];
  if (!parent) return `${share}: all of them.`;
  const here = new Set(node.rows);
  const beside = parent.rows.filter((row) => !here.has(row));
  const of = (rows: readonly number[]): string => model.counted(rows).slice(0, 2).map(([group, n]) => `${model.answer(group)} in ${n}`).join(", ");
  const answers = `${share}. Answers here: ${of(node.rows)}; of the ${beside.length} that part from them: ${of(beside)}`;
  if (node.shift === null) return `${answers}: too few to test.`;
  return `${answers}. ${node.shifts ? "A shift" : "No shift beyond chance"}: distance ${node.shift.toFixed(2)}, q = ${node.q?.toPrecision(2)}.`;
}
