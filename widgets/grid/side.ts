/** Beside the grid: the cell that is pointed at, in every run, with what leads there and what speaks against it. */

import { button, h, onClick, setOff, setText } from "../kit/dom";
import { drawEffect, effectBar } from "../kit/heat/effect-bar";
import { factList, type Fact } from "../kit/controls/facts";
import { quoted } from "../kit/numbers";
import { MEASURED, type Panel, type Spot } from "./layer-grid";
import { mayPatch, reachOf, type Context, type Section } from "./context";

const BAR = 92;
/** Leading tokens that are quoted of a sentence. */
const MOST_LEADING = 40;

/** A run by its name alone, without its answer. */
const short = (panel: Panel): string => panel.told.name.split(",")[0] ?? "";

export function createLayersSide({ own, data, acts, root, signal }: Context): Section {
  const { grid } = data;
  const title = h("h4", "cotlens-title");
  const hint = h("p", "cotlens-small cotlens-muted");
  const texts = h("div", "cotlens-texts");
  const list = h("dl", "cotlens-facts");
  const caution = h("p", "cotlens-caution cotlens-small", { hidden: true });
  const leading = h("div", "cotlens-leading", { hidden: true });
  const open = button("cotlens-button", "Open tokens", { "data-action": "tokens" });
  const mark = button("cotlens-button", "Carry from here", { "data-action": "mark" });
  const put = button("cotlens-button cotlens-primary", "Patch here and rerun", { "data-action": "patch" });
  const buttons = h("div", "cotlens-buttons", {}, open, ...(acts ? [mark, put] : []));
  const profile = h("div", "cotlens-profile", { role: "group", "aria-label": `all ${grid.row}s at this place` });
  const element = h("aside", "cotlens-side", { "aria-label": "numbers" },
    h("section", "cotlens-detail", { "aria-label": "the cell", "data-region": "detail", tabindex: 0 }, title, hint, texts, list, caution, leading, buttons, profile));
  onClick(open, signal, () => { const at = own.now.picked; if (at) root.dispatchEvent(new CustomEvent("cotlens-open", { detail: at.column })); });
  onClick(mark, signal, () => own.set({ marked: own.now.marked ? null : own.now.picked }));
  onClick(put, signal, () => { const { picked, marked, view } = own.now; if (picked && marked) { own.set({ marked: null }); acts?.patch(marked, picked, view); } });

  function draw(): void {
    const { picked, hovered, view } = own.now;
    const at = hovered ?? picked;
    hint.hidden = at !== null;
    setText(hint, `Point at a cell, or go there with the arrow keys.${acts ? ` ${acts.off() ?? "Drag a cell of one run onto the other to patch it in."}` : ""}`);
    for (const each of [texts, list, profile]) each.hidden = at === null;
    buttons.hidden = picked === null;
    if (at === null) { setText(title, "All cells"); list.hidden = false; factList(list, grid.settings); caution.hidden = leading.hidden = true; return; }
    setText(title, `${view.column(at.column)} · ${grid.row_words[at.row] ?? ""}`);
    drawTexts(at);
    drawFacts(at);
    drawLeading(at);
    drawProfile(at);
  }

  /** The text of the place: once, or of both runs where they differ. */
  function drawTexts(at: Spot): void {
    const runs = view().panels.filter((panel) => !panel.told.difference);
    const said = runs.map((panel) => panel.told.texts[at.column] ?? "");
    const same = said.every((text) => text.trim() === (said[0] ?? "").trim());
    texts.replaceChildren(...said.slice(0, same ? 1 : 2).flatMap((text, i) => [
      ...(same ? [] : [h("span", "cotlens-role", {}, runs[i]?.told.name ?? "")]),
      h("blockquote", "cotlens-quote", {}, own.now.drill === null ? text.trim() || (same ? "(before the thought)" : "(not in this text)") : text === "" ? "(not in this text)" : quoted(text)),
    ]));
  }

  function view() { return own.now.view.level; }

  function drawFacts(at: Spot): void {
    const panels = view().panels;
    const pointed = panels[at.panel];
    const rows: Fact[] = panels.map((panel) => [short(panel), panel.words(at.row, at.column)]);
    factList(list, [...rows, ...(pointed?.facts(at.row, at.column) ?? [])]);
    const words = cautions(panels, at);
    caution.hidden = words === "";
    setText(caution, words);
  }

  /** What speaks against the numbers, and of which run it does where it doesn't of all. */
  function cautions(panels: readonly Panel[], at: Spot): string {
    const said = panels.map((panel) => panel.caution(at.row, at.column));
    const whose = (words: string): string => panels.filter((_, i) => said[i] === words).map(short).join(", ");
    return [...new Set(said)].filter((words) => words !== "").map((words) => (said.every((each) => each === words) ? words : `${whose(words)}: ${words}`)).join("; ");
  }

  /** What leads there: a token, or of a sentence those of its tokens. */
  function drawLeading(at: Spot): void {
    const fine = own.now.drill === null ? data.levels[1] : undefined;
    const [from, to] = fine ? fine.within(at.column) : [at.column, at.column + 1];
    const lines = (fine ?? view()).panels.flatMap((panel, i) => {
      const said = Array.from({ length: Math.min(MOST_LEADING, to - from) }, (_, n) => panel.leads(at.row, from + n));
      return said.every((word) => word === "") ? [] : [h("p", "cotlens-leads", {}, h("span", "cotlens-role", {}, view().panels.length > 1 ? `leading in the ${i === 0 ? "first" : "second"} ` : "leading "), fine ? said.join("") : quoted(said[0] ?? ""))];
    });
    leading.hidden = lines.length === 0;
    leading.replaceChildren(...lines);
  }

  /** The whole column as bars, the deepest layer on top. */
  function drawProfile(at: Spot): void {
    const reach = reachOf(grid, own.now.lock);
    const shown = own.now.view.panels.map((number) => view().panels[number]).filter((panel) => panel !== undefined);
    profile.style.setProperty("--cotlens-runs", String(shown.length));
    profile.replaceChildren(h("span", "cotlens-profile-name", {}, grid.row), ...shown.map((panel) => h("span", "cotlens-profile-head", { title: panel.told.name }, panel.told.difference ? "difference" : short(panel))), ...grid.rows.flatMap((name, row) => [
      h("span", row === at.row ? "cotlens-profile-name cotlens-strong" : "cotlens-profile-name", { title: grid.row_words[row] ?? "" }, name),
      ...shown.map((panel) => {
        const bar = effectBar(BAR);
        const value = panel.value(row, at.column) - panel.told.base;
        const certainty = panel.codeAt(row, at.column) === MEASURED ? "exact" : Number.isNaN(value) ? "none" : "floor";
        drawEffect(bar, { value: panel.told.signed ? value : Math.max(0, value), low: NaN, high: NaN, certainty }, reach, panel.told.signed, BAR);
        return h("span", "", { title: `${panel.told.name}, ${grid.row_words[row]}: ${panel.words(row, at.column)}` }, bar);
      }),
    ]));
  }

  function drawButtons(): void {
    const { picked, marked, drill } = own.now;
    if (!picked) return;
    open.hidden = drill !== null || (!data.hasTokens(picked.column) && acts === null);
    if (!acts) return;
    const off = acts.off();
    setText(mark, marked ? "Carry nothing" : "Carry from here");
    setOff(mark, off ?? (marked || data.isRun(picked.panel) ? null : "The difference of two runs has no activations: choose a cell of a run."));
    setOff(put, off ?? (marked === null ? "First choose a cell of the other run and carry from there (M)." : mayPatch(data, marked, picked) ? null : "Choose a cell of the other run."));
  }

  return {
    element,
    update(changed) {
      if (["picked", "hovered", "view", "lock"].some((key) => changed.has(key as "picked"))) draw();
      drawButtons();
    },
  };
}
