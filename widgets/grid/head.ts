/** The rows over a grid of layers: what it shows, its scale, which runs, and the way back from tokens. */

import { button, h, onClick, setAttribute, setText } from "../kit/dom";
import type { CodePanel } from "../kit/controls/code";
import { createLegend, zeroWords } from "../kit/heat/legend";
import { createScaleControl } from "../kit/heat/scale";
import { reachOf, scaleNow, type Context, type Section } from "./context";

const ZOOMS: [number, string][] = [[1, "fit"], [2, "2×"], [4, "4×"]];

export function createLayersHead(context: Context, code?: CodePanel): Section {
  const { own, data, sharedLock, root, signal } = context;
  const { grid } = data;
  const where = [grid.model, grid.backend].filter((part) => part !== "").join(" · ");
  const status = h("span", "cotlens-status", { title: grid.settings.map(([name, value]) => `${name}: ${value}`).join("\n") || null },
    [`${data.layers}, ${data.places}`, where].filter((part) => part !== "").join(" · "));
  const legend = createLegend();
  const now = () => scaleNow(grid, own.now.lock);
  const ends = createScaleControl(signal, ["", ""], () => {}, () => sharedLock.hold(now().locked ? null : { unit: grid.scale_unit, scale: now().scale }));
  const panels = data.levels[0]?.panels ?? [];
  const alone = [null, ...panels.keys()].map((only) => {
    const words = only === null ? "all" : panels[only]?.told.difference ? "difference" : (panels[only]?.told.name.split(",")[0] ?? "");
    const each = button("cotlens-seg", words, { "data-only": only ?? "all", title: only === null ? "all runs above each other" : `only: ${panels[only]?.told.name}` });
    onClick(each, signal, () => own.set({ only }));
    return each;
  });
  const which = h("span", "cotlens-segs", { role: "group", "aria-label": "which runs are shown" }, ...alone);
  which.hidden = panels.length < 2;
  const zooms = ZOOMS.map(([zoom, label]) => {
    const each = button("cotlens-seg", label, { "data-zoom": zoom });
    onClick(each, signal, () => own.set({ zoom }));
    return each;
  });
  const intensity = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.05, value: own.now.intensity, "aria-label": "intensity of the shading" });
  intensity.addEventListener("input", () => own.set({ intensity: intensity.valueAsNumber }), { signal });
  const back = button("cotlens-link", "all sentences", { "data-action": "back", title: "back to all columns (Esc)" });
  onClick(back, signal, () => root.dispatchEvent(new CustomEvent("cotlens-open", { detail: null })));
  const inside = h("span", "cotlens-inside");
  const trail = h("div", "cotlens-trail", { hidden: true }, back, h("span", "", { "aria-hidden": "true" }, " › "), inside);
  const { unmeasured } = data;
  const meaning = h("p", "cotlens-meaning");
  const element = h("div", "cotlens-top", {},
    h("div", "cotlens-head", {}, h("span", "cotlens-model", {}, grid.label), status, ...(code ? [code.opener] : [])), ...(code ? [code.panel] : []),
    h("div", "cotlens-shade", {},
      h("div", "cotlens-line", {}, legend.scale, ends.element, which,
        h("span", "cotlens-segs", { role: "group", "aria-label": "zoom of the columns" }, ...zooms),
        h("label", "cotlens-label cotlens-muted cotlens-small cotlens-tail", {}, h("span", "", {}, "intensity"), intensity)),
      meaning, trail));

  /** Sign, zero, unit and method in words. */
  function meaningWords(note: string): string {
    const unit = grid.scale_unit && !grid.metric.includes(grid.scale_unit) ? `, in ${grid.scale_unit}` : "";
    return [unmeasured, `${grid.metric}${unit}`, grid.sign, grid.signed ? zeroWords(grid.zero) : "", grid.folded && `a sentence: ${grid.folded}`, note && !unmeasured ? `full colour: ${note}` : ""].filter((part) => part !== "").join(" · ");
  }

  return {
    element,
    update(changed) {
      if (changed.has("lock")) {
        const scale = now();
        setText(meaning, meaningWords(scale.note));
        if (scale.note === "" || unmeasured) ends.hide(); else ends.show(scale, 1, "this");
        legend.show({
          label: grid.label, zero: grid.zero, sign: grid.sign, unit: grid.scale_unit, base: grid.base, scale: grid.base + reachOf(grid, own.now.lock), scaleNote: scale.note,
          signed: grid.signed, kind: grid.kind, complete: true, ...(unmeasured ? { nothing: "measured" as const } : {}),
        });
      }
      if (changed.has("only")) alone.forEach((each, i) => setAttribute(each, "aria-pressed", String(own.now.only === (i === 0 ? null : i - 1))));
      if (changed.has("zoom")) zooms.forEach((each, i) => setAttribute(each, "aria-pressed", String(ZOOMS[i]?.[0] === own.now.zoom)));
      if (changed.has("drill")) {
        const { drill } = own.now;
        trail.hidden = drill === null;
        setText(inside, drill === null ? "" : `${data.levels[0]?.named(drill)}: ${data.levels[0]?.text(drill).trim()}`);
      }
    },
  };
}
