/** The row "Shade by": measure, metric, unit, legend, intensity, code. */

import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { createLegend } from "../kit/legend";
import { any, type Context, type Part } from "./part";
import type { Measure, Unit } from "./state";
import { createCode } from "./code";

const UNITS: Unit[] = ["token", "sentence"];

/** The first measure that can be had here: Python lists the cheapest first. */
export function cheapest(measures: Measure[]): Measure | null {
  return measures.find((measure) => measure.available) ?? null;
}

/** Why a measure can't be had, with one that can. */
export function impossible(measure: Measure, measures: Measure[]): string {
  const other = cheapest(measures);
  const reason = measure.reason ?? "not possible on this backend";
  return `${measure.label}: ${reason}${other ? ` Possible here: ${other.label}.` : ""}`;
}

export function createShade(context: Context): Part {
  const { store, actions, signal, root } = context;
  const select = h("select", "cotlens-select", { "aria-label": "shade by measure", "data-lm-suppress-shortcuts": "true" });
  const metric = h("select", "cotlens-select", { "aria-label": "metric", "data-lm-suppress-shortcuts": "true" });
  const units = UNITS.map((unit) => button("cotlens-seg", unit, { "data-unit": unit, "aria-pressed": "false" }));
  const legend = createLegend();
  const intensity = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.05, value: store.own.intensity, "aria-label": "intensity of the shading" });
  const offer = button("cotlens-button cotlens-primary cotlens-offer", "", { "data-action": "measure" });
  const code = createCode(context);
  const element = h("div", "cotlens-shade", {},
    h("div", "cotlens-line cotlens-controls", {},
      h("label", "cotlens-label", {}, h("span", "", {}, "Shade by"), select),
      metric,
      h("span", "cotlens-segs", { role: "group", "aria-label": "unit" }, ...units),
      h("span", "cotlens-slot", {}, legend.scale, offer)),
    h("div", "cotlens-line cotlens-wordline", {}, legend.words,
      h("span", "cotlens-tail", {},
        h("label", "cotlens-label cotlens-muted cotlens-small", {}, h("span", "", {}, "intensity"), intensity), code.opener)),
    code.panel);

  const chosen = (): { measure: Measure | undefined; unit: Unit } => {
    const { selection, measures } = store.payload;
    return { measure: measures.find((each) => each.id === selection.measure), unit: selection.unit };
  };
  const ask = (measure: Measure, unit: Unit, metricId: string | null): void => {
    const fit = measure.units.includes(unit) ? unit : (measure.units[0] ?? "token");
    const known = measure.metrics.some((each) => each.id === metricId) ? metricId : (measure.metrics[0]?.id ?? null);
    actions.measure(measure.id, fit, known);
  };

  select.addEventListener("change", () => {
    const measure = store.payload.measures.find((each) => each.id === select.value);
    if (measure) ask(measure, store.payload.selection.unit, store.payload.selection.metric);
  }, { signal });
  metric.addEventListener("change", () => {
    const { measure, unit } = chosen();
    if (measure) ask(measure, unit, metric.value);
  }, { signal });
  units.forEach((each, i) => onClick(each, signal, () => {
    const { measure } = chosen();
    const to = measure ?? cheapest(store.payload.measures);
    if (to) ask(to, UNITS[i] as Unit, store.payload.selection.metric);
  }));
  onClick(offer, signal, () => {
    const measure = offeredNow();
    if (measure) ask(measure, store.payload.selection.unit, store.payload.selection.metric);
  });
  intensity.addEventListener("input", () => store.setOwn({ intensity: intensity.valueAsNumber }), { signal });

  function drawControls(): void {
    const { measures, selection } = store.payload;
    const { measure } = chosen();
    const options = measures.map((each) => h("option", "", {
      value: each.id, disabled: !each.available, title: each.available ? each.cost : impossible(each, measures),
    }, each.available ? each.label : `${each.label} (not possible here)`));
    if (!measure) options.unshift(h("option", "", { value: "", selected: true }, measures.length ? "nothing yet" : "no measures"));
    select.replaceChildren(...options);
    select.value = measure?.id ?? "";
    setAttribute(select, "title", measure && !measure.available ? impossible(measure, measures) : (measure?.cost ?? null));
    metric.hidden = !measure || measure.metrics.length < 2;
    metric.replaceChildren(...(measure?.metrics ?? []).map((each) => h("option", "", { value: each.id }, each.label)));
    if (selection.metric !== null) metric.value = selection.metric;
    select.disabled = metric.disabled = store.off !== null || measures.length === 0;
    for (const each of units) {
      const unit = each.dataset["unit"] as Unit;
      const possible = !measure || measure.units.includes(unit);
      setAttribute(each, "aria-pressed", String(selection.unit === unit));
      setOff(each, store.off ?? (possible ? null : `${measure?.label} has no ${unit} unit.`), `one value per ${unit}`);
    }
  }

  function drawLegend(): void {
    const { shading, measures } = store.payload;
    const { measure } = chosen();
    const offered = offeredNow();
    offer.hidden = offered === null;
    legend.scale.hidden = offered !== null;
    setText(offer, offered ? `Measure ${offered.label}` : "");
    setOff(offer, store.off, offered?.cost ?? "");
    if (shading) {
      legend.show({
        label: shading.metric_words ? `${shading.label}, on the ${shading.metric_words}` : shading.label, zero: shading.zero, sign: shading.sign, unit: shading.scale_unit, scale: shading.scale,
        scaleNote: shading.scale_note, signed: shading.signed, kind: shading.kind, complete: shading.complete,
      });
    } else if (measure && !measure.available) legend.show(null, impossible(measure, measures));
    else if (store.payload.loading) legend.show(null, "");
    else if (store.running && measure) legend.show(null, `${measure.label} is on its way.`);
    else if (offered === null) legend.show(null, cheapest(measures) || !measures[0] ? "" : impossible(measures[0], measures));
    else legend.show(null, `Nothing measured yet. ${offered.label}${offered === measure ? "" : " is the cheapest here"}${offered.cost ? `: ${offered.cost}` : ""}.`);
  }

  /** What the offer would measure: the chosen measure, or the first possible one; null when there is nothing to offer. */
  function offeredNow(): Measure | null {
    const { shading, measures, document } = store.payload;
    if (shading !== null || document === null || store.running) return null;
    const { measure } = chosen();
    return measure?.available ? measure : cheapest(measures);
  }

  return {
    element,
    update(changed) {
      if (any(changed, "measures", "selection", "alive", "broken", "loading")) drawControls();
      if (any(changed, "shading", "measures", "selection", "document", "job", "alive", "broken", "loading")) drawLegend();
      if (any(changed, "shading")) root.classList.toggle("cotlens-by-sentence", store.payload.shading?.spans === "sentence");
      if (any(changed, "shading", "job")) root.classList.toggle("cotlens-is-running", !(store.payload.shading?.complete ?? true) && store.running);
      if (changed.has("intensity")) intensity.valueAsNumber = store.own.intensity;
      code.update(changed);
    },
  };
}
