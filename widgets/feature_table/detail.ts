/** Under the table: the picked latent in words, and what can be done to it. */

import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { figure, quoted, signed } from "../kit/numbers";
import { any, type Context, type Section } from "./context";
import { percent } from "./rows";
import type { Mode, Place, Weighted } from "./protocol";
import { ORIGINS } from "./model";

const MODES: [Mode, string, string][] = [
  ["ablate", "Ablate", "take the latent's part out; what the SAE doesn't reconstruct stays"],
  ["clamp", "Clamp", "hold the latent at an activation, also where it is not active"],
  ["scale", "Scale", "multiply the latent's activation where it is active"],
];
const PLACES: [Place, string][] = [["selection", "on the selection"], ["onwards", "from the selection on"], ["everywhere", "everywhere"]];

export interface DetailSection extends Section { rename(): void; run(): void }

export function createDetail({ store, signal }: Context): DetailSection {
  const number = h("b", "cotlens-latent");
  const label = button("cotlens-labelbutton", "", { "data-action": "name", title: "give it a name of your own (N)" });
  const field = h("input", "cotlens-field cotlens-namefield", { type: "text", maxlength: 300, "aria-label": "label of this latent", hidden: true });
  const link = h("a", "cotlens-link", { target: "_blank", rel: "noopener noreferrer" }, "Neuronpedia");
  const says = h("span", "cotlens-small cotlens-muted");
  const raises = h("p", "cotlens-logits");
  const about = h("div", "cotlens-about", {}, h("div", "cotlens-line", {}, number, label, field, link, says), raises);
  const hide = button("cotlens-button cotlens-quiet", "Hide", { "data-action": "hide", title: "leave it out of the table (H)" });
  const modes = MODES.map(([mode, words, title]) => button("cotlens-seg", words, { "data-mode": mode, title }));
  const value = h("input", "cotlens-range", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "value" });
  const exactly = h("input", "cotlens-field cotlens-value", { type: "number", step: "any", "aria-label": "value" });
  const slider = h("span", "cotlens-label cotlens-slider", {}, value, exactly);
  const place = h("select", "cotlens-select", { "aria-label": "where" }, ...PLACES.map(([key, words]) => h("option", "", { value: key }, words)));
  const run = button("cotlens-button cotlens-primary", "Rerun", { "data-action": "rerun" });
  const change = h("div", "cotlens-change", {}, hide, h("span", "cotlens-segs", { role: "group", "aria-label": "what is done to the latent" }, ...modes), slider, place, run);
  const hint = h("p", "cotlens-small cotlens-muted cotlens-hint", {}, "Pick a latent: what it stands for, what the answer owes to it, and what happens without it.");
  const element = h("section", "cotlens-detail", { "aria-label": "the picked latent", "data-region": "detail" }, hint, about, change);

  const row = (): number => (store.own.now.picked === null ? -1 : store.latents.rowOf(store.own.now.picked));
  /** The slider's end: twice the largest activation, or four times as strong. */
  const reach = (): number => {
    const max = row() < 0 ? 1 : (store.latents.max[row()] as number);
    return store.own.now.mode === "scale" ? 4 : 2 * (Number.isNaN(max) || max === 0 ? 5 : max);
  };
  const off = (): string | null => {
    const { selection, place: where, picked } = store.own.now;
    if (store.off !== null) return store.off;
    if (picked === null) return "Pick a latent first.";
    if (!store.text.role("thought")) return "This text has no thought that could be written again.";
    if (where !== "everywhere" && selection === null) return "Select text first, or choose “everywhere”.";
    return null;
  };

  function go(): void {
    const { picked, mode, value: now, place: where, selection } = store.own.now;
    const reason = off();
    if (reason !== null || picked === null || !store.document) { store.own.set({ notice: { message: reason ?? "", error: false } }); return; }
    store.ask({ kind: "change", document: store.document.id, latent: picked, mode, value: now, where, first: selection?.first ?? 0, last: selection?.last ?? 0 });
  }

  function named(keep: boolean): void {
    const { picked, naming } = store.own.now;
    if (!naming || picked === null) return;
    store.own.set({ naming: false });
    const called = row() < 0 ? "" : store.latents.labels[row()];
    if (keep && field.value.trim() !== called) store.ask({ kind: "name", latent: picked, label: field.value });
    label.focus();
  }

  modes.forEach((each, i) => onClick(each, signal, () => {
    const mode = (MODES[i] as [Mode, string, string])[0];
    const max = row() < 0 ? 1 : (store.latents.max[row()] as number);
    store.own.set({ mode, value: mode === "scale" ? 2 : Number((Number.isNaN(max) ? 1 : max).toPrecision(2)) });
  }));
  value.addEventListener("input", () => store.own.set({ value: value.valueAsNumber }), { signal });
  exactly.addEventListener("change", () => {
    if (Number.isFinite(exactly.valueAsNumber)) store.own.set({ value: exactly.valueAsNumber });
    else { exactly.value = figureOf(store.own.now.value); store.own.set({ notice: { message: "The value stays as it is: give a number.", error: false } }); }
  }, { signal });
  place.addEventListener("change", () => store.own.set({ place: place.value as Place }), { signal });
  onClick(run, signal, go);
  onClick(hide, signal, () => { if (store.own.now.picked !== null) store.toggle("hidden", store.own.now.picked); });
  onClick(label, signal, () => store.own.set({ naming: true }));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    named(event.key === "Enter");
  }, { signal });
  field.addEventListener("blur", () => named(true), { signal });

  function words(list: Weighted[]): (Node | string)[] {
    return list.slice(0, 5).flatMap(([token, weight]) => [h("span", "cotlens-mono", { title: `${signed(weight)} at activation 1` }, quoted(token)), " "]);
  }

  function describe(): void {
    const { picked } = store.own.now;
    const at = row();
    hint.hidden = picked !== null;
    about.hidden = change.hidden = picked === null;
    if (picked === null) return;
    setText(number, String(picked));
    const called = at < 0 ? "" : (store.latents.labels[at] as string);
    const score = at < 0 ? NaN : (store.latents.scores[at] as number);
    const corpus = at < 0 ? NaN : (store.latents.corpus[at] as number);
    setText(label, called || "unlabelled: give it a name");
    label.classList.toggle("cotlens-muted", called === "");
    setText(says, [
      called === "" ? "" : (ORIGINS[store.latents.origins[at] ?? 0] ?? ""), Number.isNaN(score) ? "" : `F1 ${score.toFixed(2)} on texts it was not chosen on`,
      Number.isNaN(corpus) ? "" : `active at ${percent(corpus)} of the SAE's own texts`,
    ].filter(Boolean).join(" · "));
    const known = store.words(picked);
    raises.replaceChildren(...(known ? ["raises ", ...words(known.raises), "· lowers ", ...words(known.lowers)] : ["what it raises and lowers is being worked out"]));
    const { link: base } = store.head;
    link.hidden = base === "";
    if (base.startsWith("https://")) link.href = `${base}${picked}`;
    setText(hide, store.own.now.hidden.has(picked) ? "Show again" : "Hide");
  }

  function control(): void {
    const { mode, value: now, place: where } = store.own.now;
    modes.forEach((each, i) => setAttribute(each, "aria-pressed", String(MODES[i]?.[0] === mode)));
    value.disabled = exactly.disabled = mode === "ablate";
    const shown = mode === "ablate" ? 0 : now;
    const end = reach();
    value.max = String(end);
    value.step = String(end / 200);
    if (value.valueAsNumber !== shown) value.value = String(shown);
    if (!exactly.matches(":focus")) exactly.value = figureOf(shown);
    if (place.value !== where) place.value = where;
    const kept = where === "everywhere" ? "The thought is written again from its beginning." : where === "onwards" ? "The text is kept up to the first selected token." : "The text is kept up to the end of the selection.";
    setOff(run, off(), `rerun (R): ${mode === "ablate" ? "without it" : mode === "clamp" ? `held at ${figure(now)}` : `times ${figure(now)}`}. ${kept}`);
  }

  return {
    element,
    run: go,
    rename() { if (store.own.now.picked !== null) store.own.set({ naming: true }); },
    update(changed) {
      if (any(changed, "picked", "activity", "trace", "words", "head", "hidden")) describe();
      if (any(changed, "picked", "mode", "value", "place", "selection", "activity", "trace", "broken", "head")) control();
      if (changed.has("picked") && store.own.now.picked !== null) { store.measure([store.own.now.picked]); store.describe([store.own.now.picked]); }
      if (any(changed, "naming", "picked")) {
        const { naming } = store.own.now;
        field.hidden = !naming;
        label.hidden = naming;
        if (naming) { field.value = row() < 0 ? "" : (store.latents.labels[row()] as string); field.focus(); field.select(); }
      }
    },
  };
}

/** As a field for numbers shows it. */
function figureOf(value: number): string { return Number(value.toPrecision(3)).toString(); }
