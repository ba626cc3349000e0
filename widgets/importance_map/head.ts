/** The rows over the map: which score this is, its scale, and in words what its numbers mean. */

import { button, h, onClick, setAttribute, setText } from "../kit/dom";
import { createLegend, nothingOf, zeroWords } from "../kit/heat/legend";
import { count } from "../kit/numbers";
import { samples, type ScoreMap } from "./model";
import { createScaleControl } from "../kit/heat/scale";
import { alike, scaleNow, SCORES, type Context, type Own, type Section } from "./context";

/** "139 sentences, 3 not measured". */
export function sizeWords(map: ScoreMap): string {
  const missing = map.count - map.number("measured");
  return `${count(map.count, map.score.unit)}${missing ? `, ${missing.toLocaleString("en-US")} not measured` : ""}`;
}

/** Sign, zero, unit, method and number of samples, one statement each. */
export function meaningWords(map: ScoreMap): string[] {
  const { score } = map;
  return [
    `effect on the ${score.metric}${score.scale_unit && score.scale_unit !== score.metric ? `, in ${score.scale_unit}` : ""}`,
    score.sign,
    zeroWords(score.zero),
    score.edit_type ? `edit: ${score.edit_type}` : "",
    spreadWords(map),
  ].filter((part) => part !== "");
}

/** What its intervals are, if it has any. */
function spreadWords(map: ScoreMap): string {
  if (map.score.kind === "exact") return "exact: deterministic, so there are no intervals";
  if (map.score.kind === "computed") return "computed, not sampled: whiskers are numerical errors";
  return [samples(map), map.judged ? "whiskers are intervals" : "without intervals"].filter((part) => part !== "").join(", ");
}

/** The settings of a score that another one of the same name doesn't have. */
function settingsApart(alike: ScoreMap[], map: ScoreMap): string[] {
  const all = alike.map(({ score }) => new Map(score.settings.map(([name, value]) => [name, value])));
  return map.score.settings.filter(([name, value]) => all.some((each) => each.get(name) !== value)).map(([name, value]) => `${name} ${value}`);
}

/** A name for each score that tells it from the others. */
export function scoreNames(maps: readonly ScoreMap[]): string[] {
  const short = maps.map(({ score }) => `${score.label}, per ${score.unit}`);
  const twice = (names: string[], i: number): boolean => names.filter((name) => name === names[i]).length > 1;
  const longer = short.map((name, i) => (twice(short, i) ? `${maps[i]?.score.label}: ${maps[i]?.score.metric}, per ${maps[i]?.score.unit}` : name));
  const longest = longer.map((name, i) => (twice(longer, i) ? [name, ...settingsApart(maps.filter((_, j) => longer[j] === name), maps[i] as ScoreMap)].join(", ") : name));
  return longest.map((name, i) => (twice(longest, i) ? `${name} (${i + 1})` : name));
}

export function createHead(context: Context): Section {
  const { own, maps, sharedLock, code, signal } = context;
  const name = h("span", "cotlens-model");
  const names = scoreNames(maps);
  const select = h("select", "cotlens-select", { "aria-label": "score" },
    ...names.map((each, i) => h("option", "", { value: i }, each)));
  const size = h("span", "cotlens-status");
  const legend = createLegend();
  const ends = createScaleControl(signal, SCORES, (over) => own.set({ over }), () => {
    const { scale, locked } = scaleNow(context);
    sharedLock.hold(locked ? null : { unit: own.now.map.score.scale_unit, scale });
  });
  const all = button("cotlens-seg", "all", { "data-action": "all", title: "shade and list every measured unit" });
  const clear = button("cotlens-seg", "clear of zero", { "data-action": "clear", title: "shade and list only units whose effect is clear of zero" });
  const which = h("span", "cotlens-segs", { role: "group", "aria-label": "which effects are shown" }, all, clear);
  const note = h("span", "cotlens-small cotlens-muted", { "data-note": "clear" });
  const intensity = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.05, value: own.now.intensity, "aria-label": "intensity of the shading" });
  const meaning = h("p", "cotlens-meaning");
  const element = h("div", "cotlens-top", {},
    h("div", "cotlens-head", {}, maps.length > 1 ? select : name, size, code.opener), code.panel,
    h("div", "cotlens-shade", {},
      h("div", "cotlens-line", {}, legend.scale, ends.element, which, note,
        h("label", "cotlens-label cotlens-muted cotlens-small cotlens-tail", {}, h("span", "", {}, "intensity"), intensity)),
      meaning));

  select.addEventListener("change", () => {
    const map = maps[Number(select.value)];
    if (map) own.set({ map, picked: null, onlyClear: map.judged && map.number("clear") > 0, seen: { first: 0, last: 0 } });
  }, { signal });
  onClick(all, signal, () => own.set({ onlyClear: false }));
  onClick(clear, signal, () => own.set({ onlyClear: true }));
  intensity.addEventListener("input", () => own.set({ intensity: intensity.valueAsNumber }), { signal });

  function draw(): void {
    const { map, onlyClear } = own.now;
    const { score } = map;
    setText(name, `${score.label}, per ${score.unit}`);
    setText(size, [sizeWords(map), [score.model, score.backend].filter((part) => part !== "").join(" · ")].filter((part) => part !== "").join(" · "));
    setAttribute(size, "title", score.settings.map(([key, value]) => `${key}: ${value}`).join("\n") || null);
    const number = map.number("clear");
    const nothing = nothingOf(map.number("measured"), number, true);
    const { scale, note: scaleNote, locked } = scaleNow(context);
    legend.show({
      label: score.label, zero: score.zero, sign: score.sign, unit: score.scale_unit, scale, base: score.base, scaleNote,
      signed: score.signed, kind: score.kind, complete: true, nothing,
    });
    if (nothing) ends.hide();
    else ends.show({ scale, note: scaleNote, locked }, alike(maps, map).length, own.now.over);
    which.hidden = note.hidden = !map.judged;
    setText(note, nothing ? "" : `${number.toLocaleString("en-US")} of ${map.number("measured").toLocaleString("en-US")}`);
    setAttribute(all, "aria-pressed", String(!onlyClear));
    setAttribute(clear, "aria-pressed", String(onlyClear));
    setText(meaning, [...meaningWords(map), ...(nothing ? [] : [`full colour: ${scaleNote}`])].join(" · "));
  }

  return { element, update(changed) { if (["map", "onlyClear", "over", "lock"].some((key) => changed.has(key as keyof Own))) draw(); } };
}
