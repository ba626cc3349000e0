/** A sweep as a chart: the vector's line with its intervals over the band of random vectors of equal norm. */

import { h, setText, svg } from "../../kit/dom";
import { figure } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";
import { damaged } from "./reach";
import type { Point, Sweep } from "../protocol";
import { strength } from "../words";

const [WIDTH, HEIGHT] = [520, 172];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 508, 12, 140];

interface Measured extends Point { value: number; low: number; high: number }
const measured = (rows: readonly Point[], arm: Point["arm"]): Measured[] => rows
  .filter((row): row is Measured => row.arm === arm && row.value !== null && row.low !== null && row.high !== null)
  .sort((a, b) => a.coefficient - b.coefficient);

/** What stands beside the vector: the random vectors, and at 0, where nothing is added, the model as it is. */
export function band(rows: readonly Point[]): Measured[] {
  const random = measured(rows, "random");
  const own = measured(rows, "vector").filter((row) => row.coefficient === 0);
  return random.length === 0 ? [] : [...random, ...own].sort((a, b) => a.coefficient - b.coefficient);
}

/** One point in words. */
export function pointWords(row: Measured): string {
  const broken = row.damaged ? `; ${Math.round(row.damaged * row.n)} of the texts may be damage` : "";
  return `${row.arm === "random" ? "random, " : ""}${strength(row.coefficient)}: ${figure(row.value)}, 95 % ${figure(row.low)} to ${figure(row.high)}, ${row.n} rollouts${broken}`;
}

export function createSweep({ store }: Context): Section {
  const head = h("div", "cotlens-pane-head cotlens-role-name");
  const chart = h("div", "cotlens-sweep-chart");
  const note = h("div", "cotlens-muted cotlens-small");
  const element = h("div", "cotlens-sweep", { role: "group", "aria-label": "sweep", hidden: true }, head, chart, note);
  return {
    element,
    update(changed) {
      if (!any(changed, "sweep")) return;
      const { sweep } = store.now;
      element.hidden = sweep === null;
      if (sweep === null) return;
      setText(head, `sweep of ${sweep.vector}, layer ${sweep.layer}: share of answers that change, ${rollouts(sweep.rows)}`);
      chart.replaceChildren(draw(sweep));
      const ringed = measured(sweep.rows, "vector").some((row) => damaged(row, sweep));
      setText(note, [sweep.note, "Bars: 95 %. Grey: random vectors of equal norm. At 0: the unsteered model, rewritten from the same token.", ringed ? "Rings: more than a fifth of the texts may be damage, by the rule of the verdict: the unsteered model finds them more than twice as perplexing as its own, or they come to no end." : ""].join(" ").trim());
    },
  };
}

/** "8 rollouts a point". */
export function rollouts(rows: readonly Point[]): string {
  const counts = rows.map((row) => row.n).filter((n) => n > 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return counts.length === 0 ? "no rollouts" : `${least === most ? most : `${least} to ${most}`} rollouts a point`;
}

function draw(sweep: Sweep): SVGElement {
  const { vector, rows } = sweep;
  const [own, random] = [measured(rows, "vector"), band(rows)];
  const top = Math.max(1e-9, ...rows.map((row) => Math.abs(row.coefficient)));
  const x = (row: Measured): number => LEFT + ((row.coefficient / top + 1) / 2) * (RIGHT - LEFT);
  const y = (value: number): number => BOTTOM - value * (BOTTOM - TOP);
  const at = (row: Measured, value: number): string => `${x(row).toFixed(1)},${y(value).toFixed(1)}`;
  const grid = [0, 0.5, 1].flatMap((value) => [
    svg("line", { x1: LEFT, x2: RIGHT, y1: y(value), y2: y(value), class: "cotlens-sweep-grid" }),
    words({ x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value === 0.5 ? ".5" : String(value)),
  ]);
  const ticks = [...new Map(own.map((row) => [row.coefficient, row])).values()].map((row) => words({ x: x(row), y: BOTTOM + 18, "text-anchor": "middle" }, strength(row.coefficient).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")));
  const area = svg("polygon", { class: "cotlens-sweep-band", points: [...random.map((row) => at(row, row.high)), ...random.map((row) => at(row, row.low)).reverse()].join(" ") });
  const line = svg("polyline", { class: "cotlens-sweep-line", points: own.map((row) => at(row, row.value)).join(" ") });
  const marks = own.flatMap((row) => [
    svg("line", { class: "cotlens-sweep-bar", x1: x(row), x2: x(row), y1: y(row.low), y2: y(row.high) }),
    svg("circle", { class: "cotlens-sweep-point", cx: x(row), cy: y(row.value), r: 3.5 }, titled(pointWords(row))),
    ...(damaged(row, sweep) ? [svg("circle", { class: "cotlens-sweep-ring", cx: x(row), cy: y(row.value), r: 8 })] : []),
  ]);
  const said = [...own, ...random.filter((row) => row.arm === "random")].map(pointWords).join("; ");
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${vector}: ${said}` }, ...grid, area, line, ...marks, ...ticks);
}

function words(attributes: Record<string, string | number>, text: string): SVGElement {
  return svg("text", { class: "cotlens-sweep-words", ...attributes }, document.createTextNode(text));
}

function titled(text: string): SVGElement {
  return svg("title", {}, document.createTextNode(text));
}
