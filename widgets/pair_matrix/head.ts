/** The rows over the matrix: what it shows, its scale, and which pairs are left out. */

import { button, h, onClick, setAttribute, setText } from "../kit/dom";
import { createLegend, zeroWords } from "../kit/heat/legend";
import { count } from "../kit/numbers";
import { createScaleControl } from "../kit/heat/scale";
import type { Pairs } from "./model";
import { scaleNow, WITHIN, type Context, type Section } from "./context";
import type { Matrix } from "./protocol";

const ZOOMS: [number, string][] = [[1, "fit"], [2, "2×"], [4, "4×"]];

/** Whether there are pairs at least so far apart, and not one of them is clear of zero: none is filled then. */
export function nothingClear(pairs: Pairs, apart: number): boolean {
  return pairs.number({ apart, onlyClear: true }) === 0 && pairs.number({ apart, onlyClear: false }) > 0;
}

/** Sign, zero, unit and method in words; of the colours, where there are any. */
export function meaningWords(matrix: Matrix, nothing = false, note = WITHIN): string {
  return [
    "columns: source, rows: target",
    `effect on the ${matrix.metric}${matrix.scale_unit && matrix.scale_unit !== matrix.metric ? `, in ${matrix.scale_unit}` : ""}`,
    matrix.sign, zeroWords(matrix.zero), matrix.edit_type ? `edit: ${matrix.edit_type}` : "",
    matrix.kind === "exact" ? "exact: deterministic, so there are no intervals" : "",
    nothing ? "" : `full colour: ${note}`,
  ].filter((part) => part !== "").join(" · ");
}

export function createHead({ own, pairs, sharedLock, code, signal }: Context): Section {
  const { matrix } = pairs;
  const measured = pairs.number({ apart: 0, onlyClear: false });
  const clear = pairs.number({ apart: 0, onlyClear: true });
  const where = [matrix.model, matrix.backend].filter((part) => part !== "").join(" · ");
  const status = h("span", "cotlens-status", { title: matrix.settings.map(([name, value]) => `${name}: ${value}`).join("\n") || null },
    [`${count(pairs.count, "sentence")}, ${count(measured, "measured pair")}`, where].filter((part) => part !== "").join(" · "));
  const legend = createLegend();
  const now = () => scaleNow(pairs, own.now.filter, own.now.lock);
  const ends = createScaleControl(signal, ["", ""], () => {}, () => sharedLock.hold(own.now.lock && now().locked ? null : { unit: matrix.scale_unit, scale: now().scale }));
  const apart = h("input", "cotlens-field", { type: "number", min: pairs.hasDiagonal ? 0 : 1, max: Math.max(1, pairs.count - 1), step: 1, value: own.now.filter.apart, "aria-label": "least distance of the two sentences" });
  const all = button("cotlens-seg", "all", { "data-action": "all", title: "show every measured pair" });
  const only = button("cotlens-seg", "clear of zero", { "data-action": "clear", title: "show only pairs whose effect is clear of zero" });
  const which = h("span", "cotlens-segs", { role: "group", "aria-label": "which effects are shown" }, all, only);
  which.hidden = clear === measured;
  const zooms = ZOOMS.map(([, label], i) => button("cotlens-seg", label, { "data-zoom": i }));
  const intensity = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.05, value: own.now.intensity, "aria-label": "intensity of the shading" });
  const meaning = h("p", "cotlens-meaning");
  const element = h("div", "cotlens-top", {},
    h("div", "cotlens-head", {}, h("span", "cotlens-model", {}, matrix.label), status, code.opener), code.panel,
    h("div", "cotlens-shade", {},
      h("div", "cotlens-line", {}, legend.scale, ends.element, which,
        h("label", "cotlens-label cotlens-small", { title: "Neighbours often act most strongly and pale all else: leave them out with 2 or more." }, h("span", "", {}, "sentences at least"), apart, h("span", "", {}, "apart")),
        h("span", "cotlens-segs", { role: "group", "aria-label": "zoom" }, ...zooms),
        h("label", "cotlens-label cotlens-muted cotlens-small cotlens-tail", {}, h("span", "", {}, "intensity"), intensity)),
      meaning));

  const setFilter = (patch: Partial<typeof own.now.filter>): void => {
    const filter = { ...own.now.filter, ...patch };
    own.set({ filter, scale: scaleNow(pairs, filter, own.now.lock).scale - matrix.base });
  };
  apart.addEventListener("change", () => {
    const wanted = Math.round(apart.valueAsNumber);
    const least = Math.max(Number(apart.min), Math.min(Number(apart.max), Number.isNaN(wanted) ? 1 : wanted));
    apart.value = String(least);
    setFilter({ apart: least });
  }, { signal });
  onClick(all, signal, () => setFilter({ onlyClear: false }));
  onClick(only, signal, () => setFilter({ onlyClear: true }));
  zooms.forEach((each, i) => onClick(each, signal, () => own.set({ zoom: ZOOMS[i]?.[0] ?? 1 })));
  intensity.addEventListener("input", () => own.set({ intensity: intensity.valueAsNumber }), { signal });

  return {
    element,
    update(changed) {
      if (changed.has("scale") || changed.has("filter") || changed.has("lock")) {
        const nothing = nothingClear(pairs, own.now.filter.apart);
        const { scale, note, locked } = now();
        setText(meaning, meaningWords(matrix, nothing, note));
        if (nothing) ends.hide();
        else ends.show({ scale, note, locked }, 1, "this");
        legend.show({
          label: matrix.label, zero: matrix.zero, sign: matrix.sign, unit: matrix.scale_unit, base: matrix.base, scale, scaleNote: note,
          signed: matrix.signed, kind: matrix.kind, complete: true, nothing,
        });
      }
      if (changed.has("filter")) {
        setAttribute(all, "aria-pressed", String(!own.now.filter.onlyClear));
        setAttribute(only, "aria-pressed", String(own.now.filter.onlyClear));
      }
      if (changed.has("zoom")) zooms.forEach((each, i) => setAttribute(each, "aria-pressed", String(ZOOMS[i]?.[0] === own.now.zoom)));
    },
  };
}
