/** One row per vector: what it is, its layer, the slider, the strength in both units, and where it applies. */

import { cut } from "../../kit/text/cut";
import { h, setAttribute, setText, uniqueId } from "../../kit/dom";
import { figure } from "../../kit/numbers";
import { rounded } from "../actions";
import { any, type Context, type Section } from "../context";
import type { Dial, Place, VectorInfo } from "../protocol";
import { reachOf, stepOf } from "./reach";
import { placeWords, rawWords, spokenStrength, strength, unitOf } from "../words";

interface Row { element: HTMLElement; draw(dial: Dial, off: boolean): void }

export function createVectors(context: Context): Section {
  const { store } = context;
  const element = h("div", "cotlens-vectors", { role: "group", "aria-label": "steering vectors" });
  let rows: Row[] = [];
  return {
    element,
    update(changed) {
      if (any(changed, "vectors")) {
        rows = store.now.vectors.map((vector, i) => createRow(context, vector, i));
        element.replaceChildren(...rows.map((row) => row.element));
      }
      if (!any(changed, "vectors", "dials", "current", "picked", "alive", "broken", "active", "sweep")) return;
      rows.forEach((row, i) => {
        const dial = store.now.dials[i];
        if (dial) row.draw(dial, store.off !== null);
        row.element.classList.toggle("cotlens-active", rows.length > 1 && store.now.active === i);
      });
    },
  };
}

function createRow({ store, actions, signal }: Context, vector: VectorInfo, index: number): Row {
  const ticks = uniqueId("ticks");
  let reach = 0;
  const slider = h("input", "cotlens-range", { type: "range", "data-dial": index, list: ticks, "aria-label": `strength of ${vector.name}` });
  const marks = h("datalist", "", { id: ticks });
  const [low, high] = [h("span"), h("span")];
  const box = h("input", "cotlens-box", { type: "text", inputmode: "decimal", "data-box": index, autocomplete: "off", spellcheck: "false", "aria-label": `strength of ${vector.name}, in mean residual norms`, title: "any number, also beyond the slider" });
  const raw = h("span", "cotlens-muted cotlens-small cotlens-raw");
  const layer = h("select", "cotlens-select", { "data-layer": index, "aria-label": `layer of ${vector.name}` },
    ...vector.units.map((_, i) => h("option", "", { value: i }, `layer ${i}${i === vector.layer ? "" : "*"}`)));
  const select = h("select", "cotlens-select", { "data-place": index, "aria-label": `where ${vector.name} applies` });
  const element = h("div", "cotlens-vector", { "data-vector": index },
    h("div", "cotlens-vector-name", {}, h("b", "", { title: vector.name }, vector.name), h("span", "cotlens-muted cotlens-small", { title: vector.detail }, vector.detail)),
    h("div", "cotlens-vector-dial", {}, slider, marks,
      h("span", "cotlens-ticks cotlens-muted", { "aria-hidden": "true" }, low, h("span", "", {}, "0"), high)),
    h("div", "cotlens-vector-strength", {}, box, raw),
    h("div", "cotlens-vector-where", {}, layer, select));

  // Snapping to 0 is what a hand means that comes close to it.
  slider.addEventListener("input", () => actions.turn(index, { coefficient: Math.abs(slider.valueAsNumber) < 0.6 * stepOf(reach) ? 0 : rounded(slider.valueAsNumber) }), { signal });
  const commit = (): void => {
    const value = parse(box.value);
    setAttribute(box, "aria-invalid", value === null ? "true" : null);
    if (value !== null && value === store.now.dials[index]?.coefficient) return;
    if (value !== null) { store.set({ notice: null }); actions.turn(index, { coefficient: value }); return; }
    store.set({ notice: { message: `“${cut(box.value, 20)}” is no number, so nothing was steered.`, remedy: "Give a strength such as 1.2 or -0.5; the baseline is kept." } });
  };
  box.addEventListener("change", commit, { signal });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit();
    const by = { ArrowUp: 2, ArrowDown: -2 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    actions.turn(index, { coefficient: rounded((store.now.dials[index]?.coefficient ?? 0) + by * stepOf(reach)) });
  }, { signal });
  select.addEventListener("change", () => {
    const place = select.value as Place;
    const picked = actions.inBaseline();
    const where = place === "here" || place === "span" ? (picked ? { start: picked.token, end: place === "span" ? picked.last : 0 } : {}) : { start: 0, end: 0 };
    actions.turn(index, { place, ...where });
  }, { signal });
  layer.addEventListener("change", () => actions.turn(index, { layer: Number(layer.value) }), { signal });
  for (const each of [slider, box, layer, select]) each.addEventListener("focus", () => store.set({ active: index }), { signal });

  /** Under a hand a range only grows: what it points at stays where it is. */
  function widen(dial: Dial): void {
    const wanted = reachOf(vector, dial, store.now.sweep);
    const next = slider.matches(":focus") ? Math.max(reach, wanted) : wanted;
    if (next === reach) return;
    reach = next;
    for (const [name, value] of [["min", -reach], ["max", reach], ["step", stepOf(reach)]] as const) setAttribute(slider, name, value);
    marks.replaceChildren(...[-1, -0.5, 0, 0.5, 1].map((part) => h("option", "", { value: rounded(part * reach) })));
    setText(low, `\u2212${figure(reach).replace(/\.?0+$/, "")}`);
    setText(high, `+${figure(reach).replace(/\.?0+$/, "")}`);
  }

  return {
    element,
    draw(dial, off) {
      widen(dial);
      if (!slider.matches(":focus") || Math.abs(slider.valueAsNumber - dial.coefficient) > 0.98 * stepOf(reach)) slider.value = String(dial.coefficient);
      setAttribute(slider, "title", `up to ${figure(reach)} mean residual norms: by the vector's own length, or by its sweep; the box takes any number`);
      const share = Math.min(1, Math.max(0, (dial.coefficient / reach + 1) / 2));
      slider.style.setProperty("--from", `${100 * Math.min(0.5, share)}%`);
      slider.style.setProperty("--to", `${100 * Math.max(0.5, share)}%`);
      setAttribute(slider, "aria-valuetext", spokenStrength(vector, dial));
      const shown = strength(dial.coefficient);
      if (!box.matches(":focus") || parse(box.value) !== dial.coefficient) { box.value = shown; setAttribute(box, "aria-invalid", null); }
      setText(raw, rawWords(vector, dial));
      setAttribute(raw, "title", `factor on the vector's own values; the mean residual norm at layer ${dial.layer} is ${figure(unitOf(vector, dial))}`);
      layer.value = String(dial.layer);
      setAttribute(layer, "title", dial.layer === vector.layer ? "the layer it was made for" : `made for layer ${vector.layer}`);
      element.classList.toggle("cotlens-on", dial.coefficient !== 0);
      slider.disabled = box.disabled = layer.disabled = select.disabled = off;
      setAttribute(element, "title", store.off);
      fillPlaces(select, dial, store.now.current.places, actions.inBaseline());
    },
  };
}

/** A number as people write it, "+1,2" and "−0.5" too; null for anything else. */
export function parse(text: string): number | null {
  const plain = text.trim().replace(/\u2212/g, "-").replace(/^\+/, "").replace(",", ".");
  const value = plain === "" ? NaN : Number(plain);
  return Number.isFinite(value) ? value : null;
}

function fillPlaces(select: HTMLSelectElement, dial: Dial, places: readonly Place[], picked: { token: number; last: number } | null): void {
  const offered = places.filter((place) => place === dial.place || (place !== "here" && place !== "span") || picked !== null);
  const options = offered.map((place) => {
    const set = place === dial.place && !(picked && select.matches(":focus"));
    const words = placeWords(place, set ? dial.start : (picked?.token ?? dial.start), set ? dial.end : (picked?.last ?? dial.end));
    return { place, words };
  });
  const key = JSON.stringify(options);
  if (select.dataset["options"] !== key) {
    select.dataset["options"] = key;
    select.replaceChildren(...options.map(({ place, words }) => h("option", "", { value: place }, words)));
  }
  select.value = dial.place;
  setAttribute(select, "title", `steers ${placeWords(dial.place, dial.start, dial.end)}${picked ? "" : "; pick a token of the baseline for more places"}`);
}
