/** The rows over the map: what it is of, how it is listed, and what the colours mean, which also single one out. */

import { button, h, onClick, setAttribute, setText } from "../kit/dom";
import { shortened } from "../kit/text/cut";
import { count } from "../kit/numbers";
import { any, isDark, lookOf, type Context, type Section } from "./context";
import type { Sort } from "./model";

const SORTS: [Sort, string][] = [["given", "as given"], ["length", "longest first"], ["start", "by beginning"]];
const ZOOMS: [number, string][] = [[1, "fit"], [2, "2×"], [4, "4×"]];

export interface HeadSection extends Section { search: HTMLInputElement }

export function createHead({ store, code, root, signal }: Context): HeadSection {
  const status = h("span", "cotlens-status");
  const tabs = ([["rows", "rows"], ["plane", "plane"]] as const).map(([tab, label]) => {
    const each = button("cotlens-seg", label, { "data-tab": tab });
    onClick(each, signal, () => store.own.set({ tab }));
    return each;
  });
  const search = h("input", "cotlens-field", { type: "search", placeholder: "search rollouts", "aria-label": "search rollouts", spellcheck: "false" });
  search.addEventListener("input", () => store.arrange({ query: search.value }), { signal });
  const sort = h("select", "cotlens-select", { "aria-label": "order of rows" }, ...SORTS.map(([value, label]) => h("option", "", { value }, label)));
  sort.addEventListener("change", () => store.arrange({ sort: sort.value as Sort }), { signal });
  const prompt = h("select", "cotlens-select", { "aria-label": "which prompt" });
  prompt.addEventListener("change", () => store.show(prompt.value === "" ? null : Number(prompt.value)), { signal });
  const group = h("select", "cotlens-select", { "aria-label": "which answers" });
  group.addEventListener("change", () => store.arrange({ group: group.value === "" ? null : Number(group.value) }), { signal });
  const zooms = ZOOMS.map(([zoom, label]) => {
    const each = button("cotlens-seg", label);
    onClick(each, signal, () => store.own.set({ zoom }));
    return each;
  });
  const colours = h("div", "cotlens-kinds", { role: "group", "aria-label": "categories: one alone keeps its colour" });
  const note = h("p", "cotlens-meaning");
  const model = h("span", "cotlens-model");
  const element = h("div", "cotlens-top", {},
    h("div", "cotlens-head", {}, model, status, code.opener), code.panel,
    h("div", "cotlens-shade", {},
      h("div", "cotlens-line", {}, h("span", "cotlens-segs", { role: "group", "aria-label": "view" }, ...tabs), prompt, search, group, sort,
        h("span", "cotlens-segs cotlens-tail", { role: "group", "aria-label": "zoom" }, ...zooms)),
      colours, note));

  function fill(): void {
    const { said } = store.model;
    colours.replaceChildren(...said.categories.map((name, i) => {
      const { colour, letter, ink } = lookOf(name, isDark(root));
      const swatch = h("i", "cotlens-swatch", { "aria-hidden": "true" }, letter);
      swatch.style.background = colour;
      swatch.style.color = ink;
      const each = button("cotlens-kind", "", { "data-category": i, title: "show this category alone", "aria-pressed": String(store.own.now.only === i) });
      each.append(swatch, name.replaceAll("_", " "));
      onClick(each, signal, () => store.own.set({ only: store.own.now.only === i ? null : i }));
      return each;
    }));
  }

  function prompts(): void {
    const { model: rollouts } = store;
    setText(model, `Rollouts of ${rollouts.said.model}`);
    prompt.hidden = rollouts.prompts.length < 2;
    prompt.replaceChildren(h("option", "", { value: "" }, `all ${rollouts.prompts.length} prompts`), ...rollouts.prompts.map(({ text }, i) => h("option", "", { value: i }, `${i}: ${shortened(text.replace(/\s+/g, " ").trim(), 50)}`)));
  }

  /** Answers are chosen within a prompt: the same one to two questions is not the same. */
  function groups(): void {
    const { model: rollouts } = store;
    group.replaceChildren(h("option", "", { value: "" }, "all answers"), ...rollouts.groups.flatMap((each, i) => (each.prompt === store.own.now.prompt ? [h("option", "", { value: i }, rollouts.answer(i))] : [])));
    group.hidden = store.own.now.prompt === null;
    setText(note, `columns: sentences of alike wording, or what others say in their place${store.own.now.prompt === null ? ", within a prompt" : ""} · a low cell is a sentence of its own`);
  }

  root.addEventListener("cotlens-theme", fill, { signal });
  return {
    element, search,
    update(changed) {
      const { tab, zoom, only, query } = store.own.now;
      if (changed.has("data")) { fill(); prompts(); }
      if (any(changed, "data", "prompt")) { groups(); prompt.value = String(store.own.now.prompt ?? ""); }
      if (changed.has("only")) [...colours.children].forEach((each, i) => setAttribute(each, "aria-pressed", String(only === i)));
      if (any(changed, "group", "prompt", "data")) group.value = String(store.own.now.group ?? "");
      if (search.value !== query) search.value = query;
      tabs.forEach((each) => setAttribute(each, "aria-pressed", String(each.dataset["tab"] === tab)));
      zooms.forEach((each, i) => setAttribute(each, "aria-pressed", String(ZOOMS[i]?.[0] === zoom)));
      if (any(changed, "lines", "data")) {
        const rows = store.lines.filter((line) => line.row !== null).length;
        const all = store.model.rows(store.own.now.prompt).length;
        const of = store.model.prompts.length < 2 ? "" : store.own.now.prompt === null ? ` of ${store.model.prompts.length} prompts` : ` of prompt ${store.own.now.prompt}`;
        setText(status, `${rows === all ? "" : `${rows.toLocaleString("en-US")} of `}${count(all, "rollout")}${of}`);
      }
    },
  };
}
