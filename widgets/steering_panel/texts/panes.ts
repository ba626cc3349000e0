/** Two texts side by side, without vectors and with them: what is gone is marked on the left, what has come on the right. */

import { button, h, onClick, setAttribute, setText } from "../../kit/dom";
import { createFind, type Findable } from "../../kit/text/find";
import { quoted } from "../../kit/numbers";
import type { TextModel } from "../../kit/text/text";
import { changes, difference } from "./difference";
import { any, type Context, type Section } from "../context";
import type { Beside, Stream, Which } from "../protocol";
import { TextView } from "./text-view";

export function createPanes(context: Context): Section {
  const { store, root, signal } = context;
  const baseline = createPane(context, "baseline", "the text without vectors");
  const steered = createPane(context, "steered", "the steered text");
  const besides = tabs(["baseline", "unsteered"], ["baseline", "unsteered, rewritten"], "which text without vectors is shown", signal, (beside) => store.set({ beside }));
  const shownTabs = tabs(["steered", "control"], ["steered", "random control"], "which text is shown", signal, (shown) => store.set({ shown }));
  const [note, besideNote] = [h("p", "cotlens-pane-note", { role: "status" }), h("p", "cotlens-pane-note")];
  baseline.head.append(besides.element);
  steered.head.append(shownTabs.element);
  baseline.scroll.prepend(besideNote);
  steered.scroll.prepend(note);
  // The text that has the focus is searched, else the one without vectors.
  const find = createFind(root, signal, () => (steered.element.matches(":focus-within") ? steered.text(() => store.rewrittenText(store.now.shown)) : baseline.text(() => store.besideText)));
  const element = h("div", "cotlens-panes", {}, baseline.element, steered.element, find.element);
  let begun: string | null = null;

  /** What a person sees on the right: text being written, written text, or why there is none. */
  function draw(): void {
    const { stream, shown, current, notice, job } = store.now;
    shownTabs.show(current.control ? 2 : 1, shown);
    besides.show(store.now.unsteered === null ? 1 : 2, store.beside);
    drawBeside();
    const source = stream && (!current.control || stream.which === shown) ? store.textOf(stream.source) : null;
    if (stream && source) { drawStream(stream, source); return; }
    begun = null;
    const made = store.rewritten(shown);
    const [before, after] = [store.besideText, store.rewrittenText(shown)];
    steered.element.classList.remove("cotlens-streaming");
    steered.view.show(after);
    const found = before && after && made && !made.same ? difference(before, after) : { gone: [], come: [] };
    baseline.view.mark(found.gone, "cotlens-gone");
    steered.view.mark(found.come, "cotlens-come");
    const failed = notice !== null && job.state === "error";
    setText(note, made ? [made.same ? "No token changed." : "", made.note].join(" ").trim()
      : failed ? "Nothing was written; the baseline is kept."
      : shown === "control" ? (store.running ? "The random vectors are next." : "Turn a vector up: the control is as strong as it.")
      : "Turn a vector up: the text is written again from the first token that changes.");
    note.hidden = note.textContent === "";
    drawPicked();
  }

  function drawBeside(): void {
    const made = store.beside === "unsteered" ? store.now.unsteered : null;
    baseline.view.show(store.besideText);
    setText(besideNote, made ? [made.same ? "Without vectors the model writes the baseline again." : "What the model writes from the same token without vectors.", made.note].join(" ").trim() : "");
    besideNote.hidden = made === null;
  }

  function drawStream(stream: Stream, source: TextModel): void {
    const last = source.tokenFrom(stream.from);
    const key = `${stream.source} ${stream.from} ${stream.which}`;
    steered.element.classList.toggle("cotlens-streaming", store.connected);
    if (begun !== key) {
      begun = key;
      steered.view.show(source, last);
      baseline.view.mark([], "cotlens-gone");
      note.hidden = true;
    }
    const rest = store.baselineText?.text.slice(stream.from) ?? "";
    const runs = changes(rest, stream.text).filter((run) => run.op !== "del");
    steered.view.tail(runs.map((run) => h("span", run.op === "ins" ? "cotlens-come" : "", {}, run.text)));
    const { scroll } = steered;
    if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 160) scroll.scrollTop = scroll.scrollHeight;
  }

  function drawPicked(): void {
    const { picked, shown } = store.now;
    const [left, right] = [store.besideId, store.rewritten(shown)?.document.id ?? null];
    baseline.view.pick(...(picked && picked.document === left ? [picked.token, picked.last] as const : [0, 0] as const));
    steered.view.pick(...(picked && picked.document === right && right !== left ? [picked.token, picked.last] as const : [0, 0] as const));
  }

  baseline.listen(() => store.besideId, () => store.besideText);
  steered.listen(() => (begun === null ? store.rewritten(store.now.shown)?.document.id ?? null : null), () => store.rewrittenText(store.now.shown));

  return {
    element,
    update(changed) {
      if (any(changed, "baseline", "baseline_offsets", "unsteered", "unsteered_offsets", "beside", "steered", "steered_offsets", "control", "control_offsets", "stream", "shown", "current", "notice", "job", "alive", "broken")) draw();
      else if (any(changed, "picked")) drawPicked();
      find.refresh();
    },
  };
}

interface Tabs<Name> { element: HTMLElement; show(count: number, pressed: Name): void }

/** Buttons for texts of which one is shown; a name alone while there is one only. */
function tabs<Name extends Which | Beside>(names: readonly Name[], labels: readonly string[], label: string, signal: AbortSignal, choose: (name: Name) => void): Tabs<Name> {
  const alone = h("span", "cotlens-role-name", {}, labels[0] ?? "");
  const all = names.map((name, i) => button("cotlens-seg", labels[i] ?? name, { "data-which": name }));
  all.forEach((tab, i) => onClick(tab, signal, () => choose(names[i] as Name)));
  const group = h("span", "cotlens-segs", { role: "group", "aria-label": label }, ...all);
  return {
    element: h("span", "", {}, alone, group),
    show(count, pressed) {
      group.hidden = count < 2;
      alone.hidden = count > 1;
      all.forEach((tab, i) => setAttribute(tab, "aria-pressed", String(names[i] === pressed)));
    },
  };
}

interface Pane {
  element: HTMLElement; head: HTMLElement; scroll: HTMLElement; view: TextView;
  listen(document: () => string | null, text: () => TextModel | null): void;
  /** The text for a search. */
  text(model: () => TextModel | null): Findable;
}

function createPane({ store, actions, signal }: Context, region: string, label: string): Pane {
  const view = new TextView();
  const head = h("div", "cotlens-pane-head");
  const scroll = h("div", "cotlens-scroll", { tabindex: 0, role: "group", "aria-label": label, "data-region": region }, view.element);
  const said = h("span", "cotlens-unseen", { role: "status", "aria-live": "polite" });
  const element = h("div", "cotlens-pane", {}, head, scroll, said);

  function listen(document: () => string | null, text: () => TextModel | null): void {
    const token = (event: Event): number | null => {
      const found = (event.target as Element).closest<HTMLElement>("[data-token]");
      return found ? Number(found.dataset["token"]) : null;
    };
    scroll.addEventListener("click", (event) => {
      const [id, at] = [document(), token(event)];
      if (id !== null && at !== null) actions.pick(id, at, event.shiftKey);
    }, { signal });
    scroll.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const [id, model] = [document(), text()];
      if (by === undefined || id === null || !model || event.altKey || event.ctrlKey || event.metaKey) return;
      const { picked } = store.now;
      const first = model.role("thought")?.first ?? 0;
      const from = picked?.document === id ? (by > 0 || !event.shiftKey ? (event.shiftKey ? picked.last - 1 : picked.token) : picked.last - 1) : first - 1;
      const to = Math.max(0, Math.min(model.count - 1, from + by));
      if (event.shiftKey && picked?.document === id && by < 0) {
        if (to >= picked.token) store.set({ picked: { ...picked, last: to + 1 } });
      } else actions.pick(id, to, event.shiftKey);
      setText(said, `token ${to} ${quoted(model.piece(to))}`);
      view.span(to)?.scrollIntoView({ block: "nearest" });
      event.preventDefault();
    }, { signal });
  }

  const text = (model: () => TextModel | null): Findable => ({
    text: () => model()?.drawn ?? "",
    reveal: (char) => view.reveal(model()?.tokenAt(char) ?? -1),
    cell(char) {
      const now = model();
      const token = now?.tokenAt(char) ?? -1;
      const span = view.span(token);
      return now && span ? { element: span, start: now.start(token), piece: now.piece(token) } : null;
    },
  });

  return { element, head, scroll, view, listen, text };
}
