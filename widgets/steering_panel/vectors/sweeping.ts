/** "Sweep...": how far and how often, what it costs, and only then its start. */

import { button, h, isOff, onClick, setAttribute, setOff, setText } from "../../kit/dom";
import { menu } from "../../kit/controls/menu";
import { count, figure } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";
import { reachOf } from "./reach";
import { parse } from "./vectors";

const POINTS = 9; // four strengths of the vector, four of random ones, and 0
const [USUAL, MOST] = [8, 100]; // rollouts a point

export function createSweeping({ store, actions, signal }: Context): Section {
  const [top, often] = (["strength", "rollouts"] as const).map((name) => h("input", "cotlens-box", { type: "text", inputmode: "decimal", autocomplete: "off", "data-action": `sweep-${name}` })) as [HTMLInputElement, HTMLInputElement];
  setAttribute(top, "aria-label", "largest strength of the sweep, in mean residual norms");
  setAttribute(often, "aria-label", "rollouts a point");
  const said = h("p", "cotlens-muted cotlens-small cotlens-sweep-cost");
  const start = button("cotlens-button cotlens-primary", "Start", { "data-action": "sweep-start" });
  const { element, opener, panel, close } = menu("cotlens-button", "Sweep\u2026", signal, open);
  panel.append(
    h("label", "cotlens-line", {}, h("span", "", {}, "Strengths up to \u00b1"), top),
    h("label", "cotlens-line", {}, h("span", "", {}, "Rollouts a point"), often),
    said, h("div", "cotlens-line", {}, start));
  setAttribute(opener, "data-action", "sweep");
  let vector = 0;

  const asked = (): { strength: number; rollouts: number } | null => {
    const [strength, rollouts] = [parse(top.value) ?? NaN, parse(often.value) ?? NaN];
    const fits = [strength > 0, Number.isInteger(rollouts) && rollouts > 0 && rollouts <= MOST] as const;
    [top, often].forEach((box, i) => setAttribute(box, "aria-invalid", fits[i] ? null : "true"));
    return fits[0] && fits[1] ? { strength, rollouts } : null;
  };

  function open(): void {
    vector = store.now.active;
    const [info, dial] = [store.now.vectors[vector], store.now.dials[vector]];
    if (!info || !dial) return;
    top.value = String(Math.abs(dial.coefficient) || reachOf(info, dial, store.now.sweep));
    often.value = String(USUAL);
    draw();
    top.focus();
    top.select();
  }

  function draw(): void {
    const plan = asked();
    const name = store.now.vectors[vector]?.name ?? "";
    setText(said, plan
      ? `${name} at \u2212${figure(plan.strength)}, \u2212${figure(plan.strength / 2)}, 0, ${figure(plan.strength / 2)} and ${figure(plan.strength)}, and random vectors beside it: ${count(POINTS * plan.rollouts, "rollout")} of at most ${count(store.now.head.most, "token")} each. Stop keeps what is measured.`
      : `A strength above 0, and 1 to ${MOST} rollouts.`);
    setOff(start, store.off ?? (store.running ? "Wait until the text is written." : plan ? null : "Give numbers that can be swept."), "in which share of the rollouts does the answer change?");
  }

  function go(): void {
    const plan = asked();
    if (!plan || isOff(start)) return;
    actions.sweep(vector, plan.strength, plan.rollouts);
    close();
    opener.focus();
  }

  for (const box of [top, often]) {
    box.addEventListener("input", draw, { signal });
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); }, { signal });
  }
  onClick(start, signal, go);

  return {
    element,
    update(changed) {
      if (any(changed, "job", "alive", "broken", "vectors", "head")) {
        setOff(opener, store.off, "several strengths beside random vectors: how far to go, how often, and what it costs");
        if (!panel.hidden) draw();
      }
    },
  };
}
