/** The row "Shade by": measure, metric, rollouts, unit, legend, intensity, code. */

import { button, h, onClick, setAttribute, setOff, setText } from "../../kit/dom";
import { count } from "../../kit/numbers";
import { createLegend, nothingOf } from "../../kit/heat/legend";
import { createScaleControl } from "../../kit/heat/scale";
import { createCodePanel } from "../../kit/controls/code";
import { createMeasureMenu } from "./measure-menu";
import { fillWhole } from "./whole";
import { any, type Context, type Section } from "../context";
import type { Measure, Selection, Unit } from "../state";
import { BRANCHES } from "../store";

/** The first measure that can be had here: Python lists the cheapest first. */
export function cheapest(measures: Measure[]): Measure | null {
  return measures.find((measure) => measure.available) ?? null;
}

/** Why a measure can't be had, with one that can. */
export function impossible(measure: Measure, measures: Measure[]): string {
  const other = cheapest(measures);
  const reason = (measure.reason ?? "not possible on this backend").replace(/\.$/, "");
  return `${measure.label}: ${reason}.${other ? ` Possible here: ${other.label}.` : ""}`;
}

export function createShade(context: Context): Section {
  const { store, actions, signal, root } = context;
  const menu = createMeasureMenu(signal, (measure) => ask(measure), (measure) => impossible(measure, store.payload.measures));
  const options = (label: string): HTMLSelectElement => h("select", "cotlens-select", { "aria-label": label });
  const metric = options("metric");
  const draws = options("rollouts from each place");
  const units = h("span", "cotlens-segs", { role: "group", "aria-label": "unit" });
  const legend = createLegend();
  const ends = createScaleControl(signal, BRANCHES, (over) => store.setOwn({ over }), () => {
    const { shading } = store.payload;
    if (shading) store.hold(store.scale.locked ? null : { unit: shading.scale_unit, scale: store.scale.scale });
  });
  const intensity = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.05, value: store.own.intensity, "aria-label": "intensity of the shading" });
  const layer = button("cotlens-button cotlens-layer", "", { "data-action": "findings", title: "underline what monitors found", hidden: true });
  const offer = button("cotlens-button cotlens-primary cotlens-offer", "", { "data-action": "measure" });
  const code = createCodePanel(signal, () => ({ code: store.payload.code, codeOpen: store.own.codeOpen }), (codeOpen) => store.setOwn({ codeOpen }));
  root.addEventListener("cotlens-copy", () => void code.copyNow(), { signal });
  const whole = h("div", "cotlens-whole", { hidden: true, role: "group", "aria-label": "of the whole thought" });
  const element = h("div", "cotlens-shade", {},
    h("div", "cotlens-line cotlens-controls", {},
      h("span", "cotlens-label", {}, h("span", "", {}, "Shade by"), menu.element),
      units, draws, metric,
      h("span", "cotlens-slot", {}, legend.scale, ends.element, offer)),
    h("div", "cotlens-line cotlens-wordline", {}, legend.words,
      h("span", "cotlens-tail", {}, layer,
        h("label", "cotlens-label cotlens-muted cotlens-small", {}, h("span", "", {}, "intensity"), intensity), code.opener)),
    whole, code.panel);

  const chosen = (selection = store.payload.selection): Measure | undefined => store.payload.measures.find((each) => each.id === selection.measure);

  /** Shows a measure; what the new one has of what was chosen stays chosen. */
  function ask(measure: Measure, wish: Partial<Selection> = {}, confirmed = false): void {
    const { selection } = store;
    const kept = <T,>(had: T, there: T[], otherwise: T): T => (there.includes(had) ? had : (there[0] ?? otherwise));
    actions.measure({
      measure: measure.id,
      unit: wish.unit ?? (measure.id === selection.measure ? selection.unit : measure.unit),
      metric: kept(wish.metric ?? selection.metric, measure.metrics.map((each) => each.id), null),
      n: kept(wish.n ?? selection.n, measure.draws, 0),
      spans: null,
      target: wish.target ?? selection.target,
      confirmed,
    });
  }

  const again = (wish: Partial<Selection>): void => {
    const measure = chosen(store.selection) ?? cheapest(store.payload.measures);
    if (measure) ask(measure, wish);
  };
  metric.addEventListener("change", () => again({ metric: metric.value }), { signal });
  draws.addEventListener("change", () => again({ n: Number(draws.value) }), { signal });
  onClick(offer, signal, () => {
    const measure = offeredNow();
    if (measure) ask(measure, {}, true);
  });
  onClick(layer, signal, () => store.setOwn({ underlined: !store.own.underlined }));
  intensity.addEventListener("input", () => store.setOwn({ intensity: intensity.valueAsNumber }), { signal });

  function fillOptions(select: HTMLSelectElement, choices: [string, string][], value: string, least: number): void {
    select.hidden = choices.length < least;
    select.replaceChildren(...choices.map(([id, label]) => h("option", "", { value: id }, label)));
    select.value = value;
    select.disabled = store.choosing !== null;
  }

  function drawControls(): void {
    const { measures, selection } = store.payload;
    const measure = chosen();
    menu.show(measures, measure, store.choosing);
    fillOptions(metric, (measure?.metrics ?? []).map((each) => [each.id, each.label]), selection.metric ?? "", 2);
    fillOptions(draws, (measure?.draws ?? []).map((n) => [String(n), `${n} rollouts each`]), String(selection.n), 1);
    drawUnits((measure ?? cheapest(measures))?.units ?? []);
  }

  function drawUnits(wanted: Measure["units"]): void {
    const there = [...units.children] as HTMLButtonElement[];
    if (there.map((each) => each.dataset["unit"]).join() !== wanted.map((each) => each.id).join()) {
      units.replaceChildren(...wanted.map(({ id, label }) => {
        const each = button("cotlens-seg", label, { "data-unit": id });
        onClick(each, signal, () => again({ unit: id as Unit }));
        return each;
      }));
    }
    wanted.forEach(({ id, reason }, i) => {
      const each = units.children[i] as HTMLButtonElement;
      setAttribute(each, "aria-pressed", String(store.payload.selection.unit === id));
      setOff(each, store.choosing ?? reason, id === "span" ? "the stretches that you chose" : `one value per ${id === "group" ? "number" : id}`);
    });
  }

  function drawLegend(): void {
    const { shading, measures, whole: told, inside } = store.payload;
    const measure = chosen();
    const offered = offeredNow();
    offer.hidden = offered === null;
    legend.scale.hidden = told !== null || inside !== null || (offered !== null && shading === null);
    setText(offer, offered ? (shading ? "Measure the rest" : `Measure ${offered.label}`) : "");
    setOff(offer, store.off, offered?.cost ?? "");
    const { measured, clear } = store.tally;
    const nothing = nothingOf(measured, clear, shading?.complete ?? false);
    if (shading && !nothing) ends.show(store.scale, shading.branches, store.own.over);
    else ends.hide();
    if (shading) {
      const { scale, note } = store.scale;
      legend.show({
        ...shading, label: `${shading.label}, ${shading.metric_words} (${shading.edit_type})`, unit: shading.scale_unit, scale, scaleNote: note, nothing,
      });
    } else if (told) legend.show(null, `${told.label}: told of the whole thought, so nothing in it is shaded · ${told.scale_unit} · ${told.edit_type}`);
    else if (inside) legend.show(null, `${inside.label}, under each sentence: ${inside.note}`);
    else if (measure && !measure.available) legend.show(null, impossible(measure, measures));
    else if (store.payload.loading) legend.show(null, "");
    else if (store.running && measure) legend.show(null, `${measure.label} is on its way.`);
    else if (offered === null) legend.show(null, cheapest(measures) || !measures[0] ? "" : impossible(measures[0], measures));
    else legend.show(null, `Nothing measured yet. ${offered.label}${offered === measure ? "" : " is the cheapest here"}${offered.cost ? `: ${offered.cost}` : ""}.${offered.asks ? " Long work waits until you start it." : ""}`);
  }

  /** What the offer would measure: the chosen measure or its rest, or the first possible one; null when there is nothing to offer. */
  function offeredNow(): Measure | null {
    const { shading, whole: told, inside, measures, document } = store.payload;
    if (shading?.complete || told?.complete || inside || document === null || store.running) return null;
    const measure = chosen();
    return measure?.available ? measure : shading ? null : cheapest(measures);
  }

  return {
    element,
    update(changed) {
      if (any(changed, "measures", "selection", "alive", "broken", "loading")) drawControls();
      if (any(changed, "whole")) fillWhole(whole, store.payload.whole);
      if (any(changed, "whole", "inside", "shading", "shading_certainty", "over", "scale_lock", "measures", "selection", "document", "job", "alive", "broken", "loading")) drawLegend();
      if (any(changed, "shading")) root.classList.toggle("cotlens-by-sentence", (store.payload.shading?.unit ?? "token") !== "token");
      if (any(changed, "shading", "job", "alive", "broken")) root.classList.toggle("cotlens-is-running", !(store.payload.shading?.complete ?? true) && store.running);
      if (any(changed, "findings", "document", "underlined")) {
        const { length } = store.found();
        layer.hidden = length === 0;
        setText(layer, count(length, "finding"));
        setAttribute(layer, "aria-pressed", String(store.own.underlined));
      }
      if (changed.has("intensity")) intensity.valueAsNumber = store.own.intensity;
      if (any(changed, "code", "codeOpen")) code.draw();
    },
  };
}
