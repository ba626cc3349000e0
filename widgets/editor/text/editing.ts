/** The editing view: the thought in CodeMirror, in the place of the reading view. */

import { history, historyKeymap, standardKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap } from "@codemirror/view";
import { changedStretch } from "../../kit/text/diff";
import { button, h, onClick, setOff, setText } from "../../kit/dom";
import { count } from "../../kit/numbers";
import type { Reply } from "../../kit/kernel/requests";
import { EACH_SPECIAL, signOf } from "../../kit/text/special";
import { changesSoFar, heatLayer, recolour, stretchOf, type Stretch } from "./heat-layer";
import { latentMarks } from "../latents/marks";
import { any, type Context, type Section } from "../context";
import type { Editing } from "../store";

const COUNT_AFTER_MS = 150;

/** An open editor. `sent` is the text that was committed and not answered yet. */
interface Session { view: EditorView; editing: Editing; original: string; sent: string | null }

export function createEditing({ store, actions, signal }: Context): Section & { caretTop: (top: number) => void } {
  const line = h("span", "cotlens-edit-line", { role: "status", "aria-live": "polite" });
  const commit = button("cotlens-button cotlens-primary", "Commit and rerun", { "data-action": "commit" });
  const leave = button("cotlens-button", "Leave", { "data-action": "leave", title: "leave without change (Esc)" });
  const restore = button("cotlens-button cotlens-quiet", "Restore last draft", { "data-action": "restore", hidden: true });
  const host = h("div", "cotlens-edit-host");
  const element = h("div", "cotlens-editing", { hidden: true, "data-region": "editor" },
    h("div", "cotlens-edit-bar", {}, h("span", "cotlens-role-name", {}, "editing the thought"), restore, leave, commit), line, host);
  let session: Session | null = null;
  let counted: { text: string; tokens: number } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let caretTop = 120;

  onClick(commit, signal, () => save());
  onClick(leave, signal, () => close());
  onClick(restore, signal, () => {
    const { discarded } = store.own;
    if (!session || !discarded) return;
    session.view.dispatch({ changes: { from: 0, to: session.view.state.doc.length, insert: discarded.text } });
    session.view.focus();
  });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    if (session && store.own.editing) store.setOwn({ draft: textOf(session) });
    end();
  });

  const textOf = ({ view }: Session): string => view.state.doc.toString();

  function open(editing: Editing): void {
    const { draft, discarded } = store.own;
    const original = editing.text.text.slice(editing.span.start, editing.span.end);
    // Only "\n" ends a line, so that "\r" stays a character and every offset stays true.
    const state = EditorState.create({
      doc: original,
      selection: { anchor: editing.start, head: editing.end },
      extensions: [
        EditorState.lineSeparator.of("\n"), EditorView.lineWrapping, history(),
        highlightSpecialChars({ specialChars: EACH_SPECIAL, render: (code, words) => h("span", "cotlens-special", { title: words, "aria-label": words }, signOf(String.fromCodePoint(code))) }),
        keymap.of([
          { key: "Mod-Enter", run: () => { save(); return true; } },
          { key: "Escape", run: () => { close(); return true; } },
          ...historyKeymap, ...standardKeymap,
        ]),
        changesSoFar, heatLayer(store, editing), latentMarks(store, editing),
        EditorView.contentAttributes.of({ "aria-label": "the thought, editable", spellcheck: "false" }),
        EditorView.updateListener.of((update) => { if (update.docChanged) draw(); }),
      ],
    });
    element.hidden = false;
    const view = new EditorView({ state, parent: host });
    session = { view, editing, original, sent: null };
    if (draft !== null && draft !== original) view.dispatch({ changes: { from: 0, to: original.length, insert: draft } });
    restore.hidden = !(discarded && discarded.document === editing.document && discarded.text !== original && draft === null);
    view.dispatch({ effects: EditorView.scrollIntoView(view.state.selection.main.head, { y: "start", yMargin: caretTop }) });
    view.focus();
    draw();
  }

  function stretch(): Stretch | null {
    return session ? stretchOf(session.view.state.field(changesSoFar)) : null;
  }

  function draw(): void {
    if (!session) return;
    const now = stretch();
    restore.hidden = restore.hidden || now !== null;
    const waits = session.sent === textOf(session) ? "This text is on its way to the kernel." : null;
    setOff(commit, store.off ?? waits ?? (now ? null : "Nothing was changed yet."), "commit and let the model write again (Ctrl/Cmd+Enter)");
    setText(line, [store.off, waits ?? words(now), elsewhere()].filter(Boolean).join(" "));
    clearTimeout(timer);
    if (!now || store.off !== null) return;
    const text = session.view.state.sliceDoc(now.from, now.toB);
    if (text !== "" && counted?.text !== text) {
      timer = setTimeout(() => store.ask({ kind: "count", text }, (reply) => {
        if (reply.status !== "ok" || typeof reply["tokens"] !== "number") return;
        counted = { text, tokens: reply["tokens"] };
        draw();
      }), COUNT_AFTER_MS);
    }
  }

  function elsewhere(): string {
    return session?.editing.document === store.payload.document?.id ? "" : "Another branch is shown by now; this text is still the one that you opened.";
  }

  /** What a commit would do, in tokens. */
  function words(now: Stretch | null): string {
    if (!session) return "";
    if (!now) return "Change the text; what follows the change is then written again by the model.";
    const { text, span } = session.editing;
    const old = text.covering(span.start + now.from, span.start + now.toA);
    const fresh = session.view.state.sliceDoc(now.from, now.toB);
    const written = counted?.text === fresh ? count(counted.tokens, "token") : count(fresh.length, "character");
    const rest = Math.max(0, text.count - Math.max(old.last, old.first));
    const gone = old.last - old.first;
    const what = fresh === "" ? `${count(gone, "token")} removed` : gone === 0 ? `${written} added` : `${count(gone, "token")} replaced by ${written}`;
    return rest === 0 ? what : `${what}; the ${count(rest, "token")} after it will be written again`;
  }

  /** Sends the text. The editor stays open with it until Python has said that it will be written. */
  function save(): void {
    if (!session || session.sent === textOf(session)) return;
    const { editing: { document, span }, original } = session;
    const text = textOf(session);
    const { start, endA, endB } = changedStretch(original, text);
    if (store.off !== null || (start === endA && start === endB)) {
      store.setOwn({ notice: { message: store.off ?? "Nothing was changed yet.", remedy: store.off && "Your text stays here.", tone: "info" } });
      return;
    }
    session.sent = text;
    store.setOwn({ discarded: { document, text } });
    actions.commit(document, span.start + start, span.start + endA, text.slice(start, endB), ({ status }) => answered(document, text, status));
    draw();
  }

  function answered(document: string, text: string, status: Reply["status"]): void {
    if (session) session.sent = null;
    const { editing, draft } = store.own;
    // What was typed since then was not sent: it stays.
    const same = editing?.document === document && (session ? textOf(session) : draft) === text;
    if (status === "ok" && same) store.setOwn({ editing: null, draft: null });
    else draw();
  }

  function close(): void {
    if (!session) return;
    const text = textOf(session);
    const { document } = session.editing;
    store.setOwn({ editing: null, draft: null, ...(text === session.original ? {} : { discarded: { document, text } }) });
  }

  function end(): void {
    clearTimeout(timer);
    session?.view.destroy();
    session = null;
    element.hidden = true;
  }

  return {
    element,
    caretTop(top) { caretTop = top; },
    update(changed) {
      if (any(changed, "editing")) {
        if (store.own.editing && !session) open(store.own.editing);
        else if (!store.own.editing && session) end();
      }
      if (!session) return;
      if (any(changed, "document", "shading", "shading_values", "shading_low")) session.view.dispatch({ effects: recolour.of(null) });
      if (any(changed, "broken") && store.own.broken) session.sent = null;
      if (any(changed, "document", "alive", "broken", "loading")) draw();
    },
  };
}
