/** The inspector: everything known about the picked token, sentence or stretch, and what can be done there. */

import { latentOf, latentsIn, pickedLatents, pickedTokens } from "../latents/picked";
import type { Alternative, Found, LatentChip, LatentStrip } from "../state";
import { ChoiceBars } from "../../kit/controls/bars";
import { shortened } from "../../kit/text/cut";
import { button, h, onClick, setAttribute, setOff, setText } from "../../kit/dom";
import { count, figure, probability, quoted } from "../../kit/numbers";
import type { TextModel } from "../../kit/text/text";
import { createComparison } from "./comparison";
import { effectOf, type Effect } from "./effect";
import { endedBy } from "./endings";
import { placeOf as latentPlace, readingOf } from "../latents/chips";
import { createMoving } from "../latents/moving";
import { any, type Context, type Section } from "../context";

const ROWS = 5;

interface Subject { kind: "token" | "sentence" | "range"; token: number; last: number; hovered: boolean }

export function createInspector(context: Context): Section {
  const { store, actions, signal } = context;
  const title = h("h4", "cotlens-title");
  const facts = ["text", "probability", "effect", "certainty", "kind"].map((name) => ({ name, label: h("dt"), value: h("dd", `cotlens-fact-${name}`) }));
  const list = h("dl", "cotlens-facts", {}, ...facts.flatMap(({ label, value }) => [label, value]));
  const more = h("dl", "cotlens-facts cotlens-more");
  const choices = new ChoiceBars(ROWS, signal);
  const choiceTitle = h("h4", "cotlens-title");
  const choiceNote = h("p", "cotlens-small cotlens-muted");
  const comparison = createComparison(context);
  const moving = createMoving(context);
  const choosing = h("section", "cotlens-choice-section", {}, choiceTitle, choices.element, choiceNote);
  const rerun = button("cotlens-button cotlens-primary", "Rerun from here", { "data-action": "rerun" });
  const cut = button("cotlens-button", "Truncate here", { "data-action": "truncate" });
  const edit = button("cotlens-button", "Edit", { "data-action": "edit" });
  const span = button("cotlens-button", "", { "data-action": "span", hidden: true });
  const remove = button("cotlens-button", "Delete", { "data-action": "delete", hidden: true });
  const acts = h("div", "cotlens-acts", { role: "group", "aria-label": "actions" }, rerun, cut, edit, remove, span);
  const body = h("div", "cotlens-side-body", {},
    h("section", "", {}, title, list, more),
    choosing, moving.element, comparison.element);
  const element = h("aside", "cotlens-side", { "aria-label": "inspector", "data-region": "inspector" }, body, acts);

  onClick(rerun, signal, () => actions.rerun());
  onClick(cut, signal, () => actions.truncate(actions.cut));
  onClick(edit, signal, () => actions.edit());
  onClick(remove, signal, () => {
    const span = stretch();
    const chips = pickedLatents(store);
    if (store.off === null && chips.length > 0) actions.takeOut(chips[0]?.token ?? 0, (chips.at(-1)?.token ?? 0) + 1);
    else if (span && store.off === null) actions.replace(span.start, span.end, "");
  });

  onClick(span, signal, () => actions.measureSpans(spansThen()));

  /** The chosen spans without the one that holds the picked token, or with the picked stretch in place of what it overlaps. */
  function spansThen(): [number, number][] {
    const { spans } = store.selection;
    const now = stretch();
    const at = store.text.start(store.own.picked?.token ?? 0);
    const [start, end] = now ? [now.start, now.end] : [at, at + 1];
    const apart = spans.filter(([from, to]) => to <= start || from >= end);
    return now ? [...apart, [now.start, now.end]] : apart;
  }

  /** Where the keys go on after something was chosen from a list that another one takes the place of. */
  function focusText(): void {
    context.root.querySelector<HTMLElement>("[data-region=text]")?.focus({ preventScroll: true });
  }

  function subject(): Subject | null {
    const { hovered, picked } = store.own;
    if (hovered !== null && picked?.kind !== "range") return { kind: "token", token: hovered, last: hovered + 1, hovered: true };
    if (!picked) return null;
    if (picked.kind === "range") return { kind: "range", token: picked.token, last: picked.last, hovered: false };
    if (picked.kind === "token") return { kind: "token", token: picked.token, last: picked.token + 1, hovered: false };
    const sentence = store.text.sentences[store.text.sentenceOf(picked.token)];
    return { kind: "sentence", token: picked.token, last: sentence?.last ?? picked.token + 1, hovered: false };
  }

  /** Characters of the picked range, when it lies inside the thought; latents have none. */
  function stretch(): { start: number; end: number } | null {
    const { picked } = store.own;
    const thought = actions.thought();
    if (picked?.kind === "range" && latentsIn(store, { first: picked.token, last: picked.last }).length > 0) return null;
    if (picked?.kind !== "range" || picked.token < thought.first || picked.last > thought.last) return null;
    return { start: store.text.start(picked.token), end: store.text.start(picked.last) };
  }

  function fact(name: string, label: string, value: string, full = ""): void {
    const each = facts.find((candidate) => candidate.name === name);
    if (!each) return;
    setText(each.label, label);
    setText(each.value, value);
    setAttribute(each.value, "title", full || null);
  }

  function drawFacts(now: Subject): void {
    const { text, payload } = store;
    const chips = latentsIn(store, { first: now.token, last: now.last });
    if (chips.length === now.last - now.token && payload.latents) { drawLatents(now, chips, payload.latents); return; }
    const where = placeOf(text, now.token);
    const tokens = now.last - now.token;
    setText(title, now.kind === "token" ? `Token ${now.token} · ${where}` : now.kind === "sentence" ? `${where[0]?.toUpperCase()}${where.slice(1)} · ${count(tokens, "token")} from ${now.token}` : `${count(tokens, "token")} from ${now.token} · ${where}`);
    const words = text.slice({ first: now.token, last: now.last });
    fact("text", "text", now.kind === "token" ? quoted(words) : shortened(words.trim(), 90), shortened(words, 2000));
    let sum = 0;
    for (let token = now.token; token < now.last; token += 1) sum += payload.logprobs[token] ?? NaN;
    if (now.kind === "token") {
      fact("probability", "probability", Number.isNaN(sum) ? "not measured" : probability(Math.exp(sum)), Number.isNaN(sum) ? "" : `log p ${figure(sum)}`);
    } else {
      fact("probability", "surprise per token", Number.isNaN(sum) ? "not measured" : `${figure(Math.max(0, -sum / Math.max(1, tokens)))} nats`);
    }
    const effect = effectOf(store, now.token, now.last);
    const before = payload.document?.rerun_at == null ? "" : " before the edit";
    fact("effect", payload.shading?.signed === false ? payload.shading.metric_words : `effect${ofWhat(now, text.sentenceOf(now.token))}${before}`, effect ? effect.words : "not measured", effect ? (payload.shading?.label ?? "") : "choose a measure in “Shade by”");
    fact("certainty", effect && payload.shading?.kind === "sampled" ? "interval" : "certainty", effect?.interval ?? "—", effect?.certainty);
    fact("kind", "kind", effect?.kind ?? "—");
    const inside = now.kind === "range" ? null : store.inside(text.sentenceOf(now.token));
    drawMore(effect, store.found(now.token, now.last), inside ? [["inside, at the sentence's end", inside.said]] : []);
  }

  function drawLatents(now: Subject, chips: LatentChip[], latents: LatentStrip): void {
    const [chip] = chips as [LatentChip];
    const number = latentOf(store, chip.token);
    const where = latentPlace(latents, number);
    setText(title, chips.length > 1 ? `Latents ${number} to ${number + chips.length - 1}` : `Latent ${number}${where && ` · ${where}`}`);
    const read = chips.every((each) => each.text !== null);
    fact("text", "reads", read ? chips.map(readingOf).join(" ") : "not read", read ? "" : latents.note);
    fact("probability", chips.length > 1 ? "least probability" : "probability", read ? probability(Math.min(...chips.map(({ p }) => p ?? NaN))) : "not measured");
    const effect = effectOf(store, now.token, now.last);
    fact("effect", store.payload.shading?.signed === false ? store.payload.shading?.metric_words ?? "" : "effect on answer", effect ? effect.words : "not measured", effect ? (store.payload.shading?.label ?? "") : "choose a measure in “Shade by”");
    fact("certainty", "certainty", effect?.interval ?? "—", effect?.certainty);
    fact("kind", "kind", effect?.kind ?? "—");
    const sizes: [string, string][] = chips.length > 1 ? [] : [...(chip.entropy === null ? [] : [["entropy", `${figure(chip.entropy)} nats`] as [string, string]]), ["norm", figure(chip.norm ?? NaN)]];
    drawMore(effect, [], [...sizes, ...(latents.note && !read ? [["not read", latents.note] as [string, string]] : [])]);
  }

  /** Whose effect it is where it isn't the token's own: " of sentence 4", " of its number". */
  function ofWhat(now: Subject, sentence: number): string {
    const unit = store.payload.shading?.unit ?? "token";
    if (now.kind === "range" || unit === "token") return " on answer";
    return unit === "sentence" ? ` of sentence ${sentence}` : ` of its ${unit === "group" ? "number" : unit}`;
  }

  /** Where a token stands in the result's table, which counts from the first that was measured. */
  function numbered(effect: Effect): [string, string][] {
    return store.payload.shading?.unit === "token" && effect.row >= 0 ? [["row of the table", String(effect.row)]] : [];
  }

  /** What a sampled or swapped effect rests on. */
  function drawMore(effect: Effect | null, found: Found[] = [], inside: [string, string][] = []): void {
    const sure: [string, string][] = effect && effect.certainty !== "" && store.payload.shading?.kind === "sampled" ? [["reading", effect.certainty]] : [];
    const said = found.map(({ monitor, category, severity, guess, rationale }): [string, string] => [monitor, `${category}, severity ${severity}${guess ? ", its quote only resembles this" : ""}${rationale && `: ${rationale}`}`]);
    more.replaceChildren(...[...inside, ...said, ...sure, ...(effect?.facts ?? []), ...(effect ? numbered(effect) : [])].flatMap(([name, words]) => [h("dt", "", {}, name), h("dd", "", { "data-fact": name }, words)]));
  }

  /** With nothing picked the same rows say what the trace is. */
  function drawOverview(): void {
    const { document: shown, branches } = store.payload;
    const current = branches.find((branch) => branch.current);
    const { first, last } = actions.thought();
    setText(title, !shown ? "" : store.payload.stream ? "The text before" : "This trace");
    const unrun = current?.awaits_rerun ?? false;
    const rows: [string, string][] = !shown ? [] : [
      ["answer", unrun ? "the edit was not rerun" : current?.answer ?? "none read"],
      ["probability", current?.p === null || current?.p === undefined ? "not measured" : probability(current.p)],
      ["thought", last > first ? count(last - first, "token") : "empty"],
      store.payload.latents ? ["latents", store.payload.latents.chips.length.toLocaleString("en-US")] : ["sentences", store.text.sentences.length.toLocaleString("en-US")],
      ["ended by", endedBy(shown)],
    ];
    drawMore(null);
    facts.forEach(({ name }, i) => fact(name, rows[i]?.[0] ?? "", rows[i]?.[1] ?? ""));
  }

  function drawChoices(now: Subject | null): void {
    choosing.hidden = now !== null && latentOf(store, now.token) >= 0; // nobody would have said something there
    if (choosing.hidden) return;
    setText(choiceTitle, !now ? "" : now.kind === "token" ? "The model would have said" : "The model would have begun with");
    const known = now ? store.inspection(now.token) : null;
    choices.element.hidden = now === null;
    if (!now) { setText(choiceNote, store.payload.document ? "Point at a token, click it, or move with the arrow keys." : ""); return; }
    if (!known) {
      choices.show([], store.lost === null);
      setText(choiceNote, store.lost !== null ? "Alternatives were not fetched before the kernel went." : "");
      return;
    }
    const off = actions.reason("branch", now.token);
    choices.show(shownOf(known.alternatives).map((each) => ({
      text: each.text, p: each.logprob === null ? NaN : Math.exp(each.logprob), chosen: each.chosen, off, pick: () => { actions.branch(now.token, each.token_id); focusText(); },
    })));
    setText(choiceNote, known.alternatives.length === 0 ? "No alternatives are known at this place." : (off ?? "click one to branch there"));
  }

  function draw(): void {
    const now = subject();
    element.classList.toggle("cotlens-hovering", now?.hovered ?? false);
    setAttribute(element, "data-subject", now ? now.token : null);
    if (now) drawFacts(now);
    else drawOverview();
    drawChoices(now);
    drawActions();
  }

  function drawActions(): void {
    const at = actions.at;
    const { picked } = store.own;
    setOff(rerun, actions.reason("rerun", at), "let the model write again from this token on (R)");
    const whole = actions.cut === actions.thought().last;
    setOff(cut, actions.reason("truncate", actions.cut), whole ? "keep the whole thought, close it and hear the answer (T)" : "stop the thought before this token and hear the answer (T)");
    setOff(edit, actions.reason("edit", at), "edit the thought at this place (Enter)");
    const latents = pickedLatents(store).length > 0;
    setText(edit, latents ? "Move" : "Edit");
    if (latents) setOff(edit, null, "to the sliders (Enter)");
    remove.hidden = picked?.kind !== "range" && !latents;
    const { selection } = store;
    const dropped = picked?.kind !== "range" && selection.unit === "span" && picked !== null && spansThen().length < selection.spans.length;
    span.hidden = picked?.kind !== "range" && !dropped;
    setText(span, dropped ? "Drop this stretch" : "Measure this stretch");
    setOff(span, store.off ?? (dropped || stretch() ? null : "Only the thought can be measured."), dropped ? "measure without it" : "shade by this stretch as a unit of its own");
    const mixed = latentsIn(store, pickedTokens(store)).length > 0;
    if (mixed) span.hidden = true; // a stretch is one of text
    setOff(remove, store.off ?? (latents || stretch() ? null : mixed ? "Pick words or latents, not both." : "Only the thought can be edited."), latents ? "take these latents out and rerun" : "delete these tokens and rerun");
  }

  let wait: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(wait));

  return {
    element,
    update(changed) {
      if (any(changed, "picked", "hovered", "document", "logprobs")) {
        const now = subject();
        clearTimeout(wait);
        // Asked only where someone stays: moving over fifty tokens makes one request.
        if (now) wait = setTimeout(() => store.inspect(now.token), 70);
      }
      if (any(changed, "picked", "hovered", "document", "token_offsets", "logprobs", "inspections", "shading", "shading_values", "shading_facts", "shading_status", "inside", "latents", "findings", "selection", "wish", "alive", "broken", "loading")) draw();
      else if (changed.has("stream") && subject() === null) drawOverview();
      moving.update(changed);
      comparison.update(changed);
      // A new answer is what the person waited for, and a token that was just picked is what they ask about.
      if (changed.has("comparison") && store.payload.comparison && pickedLatents(store).length === 0) body.scrollTop = body.scrollHeight;
      else if (changed.has("picked") && store.own.picked) body.scrollTop = 0;
    },
  };
}

/** Where a token stands, in words: places outside the thought are in no sentence. */
function placeOf(text: TextModel, token: number): string {
  const sentence = text.sentenceOf(token);
  return sentence >= 0 ? `sentence ${sentence}` : (text.roleOf(token) ?? "template");
}

/** The likeliest alternatives, and always the one that stands there. */
function shownOf(alternatives: Alternative[]): Alternative[] {
  const shown = alternatives.slice(0, ROWS);
  const chosen = alternatives.find((each) => each.chosen);
  return chosen && !shown.includes(chosen) ? [...shown.slice(0, ROWS - 1), chosen] : shown;
}
