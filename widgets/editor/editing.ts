/** The editing view: the thought in CodeMirror, in the place of the reading view. */

import { history, historyKeymap, standardKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { changedStretch } from "../kit/diff";
import { button, h, onClick, setOff, setText } from "../kit/dom";
import { count } from "../kit/numbers";
import { changesSoFar, heatLayer, recolour, stretchOf, type Stretch } from "./heat-layer";
import { any, type Context, type Part } from "./part";

const COUNT_AFTER_MS = 150;

interface Session { view: EditorView; original: string; start: number; document: string }

export function createEditing({ store, actions, signal }: Context, closed: () => void): Part & { caretTop: (top: number) => void } {
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
  onClick(leave, signal, () => close(true));
  onClick(restore, signal, () => {
    const { discarded } = store.own;
    if (!session || !discarded) return;
    session.view.dispatch({ changes: { from: 0, to: session.view.state.doc.length, insert: discarded.text } });
    session.view.focus();
  });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    if (session && store.own.editing) store.setOwn({ draft: session.view.state.doc.toString() });
    end();
  });

  function open(): void {
    const span = store.text.roleSpan("thought");
    const { editing, draft, discarded } = store.own;
    const { document } = store.payload;
    if (!span || !editing || !document) return;
    const original = store.text.text.slice(span.start, span.end);
    // Only "\n" ends a line, so that "\r" stays a character and every offset stays true.
    const state = EditorState.create({
      doc: original,
      selection: { anchor: editing.start, head: editing.end },
      extensions: [
        EditorState.lineSeparator.of("\n"), EditorView.lineWrapping, history(),
        keymap.of([
          { key: "Mod-Enter", run: () => { save(); return true; } },
          { key: "Escape", run: () => { close(true); return true; } },
          ...historyKeymap, ...standardKeymap,
        ]),
        changesSoFar, heatLayer(store, span.start),
        EditorView.contentAttributes.of({ "aria-label": "the thought, editable", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed();
        }),
      ],
    });
    element.hidden = false;
    const view = new EditorView({ state, parent: host });
    session = { view, original, start: span.start, document: document.id };
    store.readDraft = () => view.state.doc.toString();
    if (draft !== null && draft !== original) view.dispatch({ changes: { from: 0, to: original.length, insert: draft } });
    restore.hidden = !(discarded && discarded.document === document.id && discarded.text !== original && draft === null);
    view.dispatch({ effects: EditorView.scrollIntoView(editing.start, { y: "start", yMargin: caretTop }) });
    view.focus();
    changed();
  }

  function stretch(): Stretch | null {
    return session ? stretchOf(session.view.state.field(changesSoFar)) : null;
  }

  function changed(): void {
    if (!session) return;
    const now = stretch();
    restore.hidden = restore.hidden || now !== null;
    setOff(commit, store.off ?? (now ? null : "Nothing was changed yet."), "commit and let the model write again (Ctrl/Cmd+Enter)");
    setText(line, words(now));
    clearTimeout(timer);
    if (!now || store.off !== null) return;
    const text = session.view.state.sliceDoc(now.from, now.toB);
    if (text !== "" && counted?.text !== text) {
      timer = setTimeout(() => store.ask({ kind: "count", text }, (reply) => {
        if (reply.status !== "ok" || typeof reply["tokens"] !== "number") return;
        counted = { text, tokens: reply["tokens"] };
        setText(line, words(stretch()));
      }), COUNT_AFTER_MS);
    }
  }

  /** What a commit would do, in tokens. */
  function words(now: Stretch | null): string {
    if (!session) return "";
    if (!now) return "Change the text; what follows the change is then written again by the model.";
    const { text } = store;
    const old = text.covering(session.start + now.from, session.start + now.toA);
    const fresh = session.view.state.sliceDoc(now.from, now.toB);
    const written = counted?.text === fresh ? count(counted.tokens, "token") : count(fresh.length, "character");
    const rest = Math.max(0, text.count - Math.max(old.last, old.first));
    const gone = old.last - old.first;
    const what = fresh === "" ? `${count(gone, "token")} removed` : gone === 0 ? `${written} added` : `${count(gone, "token")} replaced by ${written}`;
    return rest === 0 ? what : `${what}; the ${count(rest, "token")} after it will be written again`;
  }

  function save(): void {
    if (!session) return;
    const after = session.view.state.doc.toString();
    const { start, endA, endB } = changedStretch(session.original, after);
    if (store.off !== null || (start === endA && start === endB)) {
      store.setOwn({ notice: { message: store.off ?? "Nothing was changed yet.", remedy: null, tone: "info" } });
      return;
    }
    const from = session.start;
    end();
    actions.commit(from + start, from + endA, after.slice(start, endB));
    closed();
  }

  function close(keep: boolean): void {
    if (!session) return;
    const text = session.view.state.doc.toString();
    const discarded = keep && text !== session.original ? { document: session.document, text } : store.own.discarded;
    end();
    store.setOwn({ editing: null, draft: null, discarded });
    closed();
  }

  function end(): void {
    clearTimeout(timer);
    session?.view.destroy();
    session = null;
    store.readDraft = null;
    element.hidden = true;
  }

  return {
    element,
    caretTop(top) { caretTop = top; },
    update(changedKeys) {
      if (any(changedKeys, "editing", "document")) {
        if (store.own.editing && !session) open();
        else if (!store.own.editing && session) { end(); closed(); }
      }
      if (!session) return;
      if (any(changedKeys, "shading", "shading_values", "shading_low")) session.view.dispatch({ effects: recolour.of(null) });
      if (any(changedKeys, "alive", "broken", "loading")) changed();
    },
  };
}
