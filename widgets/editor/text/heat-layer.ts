/** Heat inside CodeMirror: marks for the visible tokens only, found by bisecting the offsets. */

import { ChangeSet, RangeSetBuilder, StateEffect, StateField, type ChangeDesc } from "@codemirror/state";
import { Decoration, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from "@codemirror/view";
import { heatClass, UNMEASURED } from "../../kit/heat/heat";
import { bisect } from "../../kit/text/text";
import type { Editing, Store } from "../store";

/** Sent when the shading changes while the editor is open. */
export const recolour = StateEffect.define<null>();

/** All changes since the editor was opened, as one. */
export const changesSoFar = StateField.define<ChangeDesc>({
  create: (state) => ChangeSet.empty(state.doc.length).desc,
  update: (changes, transaction) => (transaction.docChanged ? changes.composeDesc(transaction.changes.desc) : changes),
});

/** What was changed as a whole: characters a..b of the original became a..c of the text now. */
export interface Stretch { from: number; toA: number; toB: number }

export function stretchOf(changes: ChangeDesc): Stretch | null {
  let stretch: Stretch | null = null;
  changes.iterChangedRanges((fromA, toA, fromB, toB) => {
    // Before the first change old and new positions agree, so one start serves both.
    stretch = { from: stretch ? stretch.from : Math.min(fromA, fromB), toA, toB };
  }, true);
  return stretch;
}

/** A line longer than this gets heat near the caret only: thousands of marks in one line make typing slow. */
const LONG_LINE = 2000;
const NEAR = 400;

interface Visible { from: number; to: number }

/** The visible ranges, cut down in long lines. The window moves in steps, so that most keys leave the marks alone. */
function drawable(view: EditorView): Visible[] {
  const { doc, selection } = view.state;
  const caret = Math.floor(selection.main.head / NEAR) * NEAR;
  const out: Visible[] = [];
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to;) {
      const line = doc.lineAt(at);
      const [a, b] = [Math.max(from, line.from), Math.min(to, line.to)];
      if (line.length <= LONG_LINE) out.push({ from: a, to: b });
      else out.push({ from: Math.max(a, caret - NEAR), to: Math.min(b, caret + 2 * NEAR) });
      at = line.to + 1;
    }
  }
  return out.filter((range) => range.to > range.from);
}

/** Heat of the tokens in from..to; their place in the original text is `shift` characters earlier. */
function heat(builder: RangeSetBuilder<Decoration>, store: Store, { document, span: { start } }: Editing, { from, to }: Visible, shift: number): void {
  const { levels, text, payload } = store;
  if (to <= from || payload.shading === null || payload.document?.id !== document) return;
  let open = { from: 0, to: 0, name: "" };
  const close = (): void => { if (open.name !== "" && open.to > open.from) builder.add(open.from, open.to, mark(open.name)); };
  for (let token = Math.max(0, bisect(text.offsets, start + from - shift)); token < text.count; token += 1) {
    const a = Math.max(from, text.start(token) - start + shift);
    const b = Math.min(to, text.end(token) - start + shift);
    if (a >= to) break;
    if (b <= a) continue;
    const step = levels[token] as number;
    const name = step === UNMEASURED ? "" : store.unsure(token) ? "cotlens-ns" : heatClass(step, payload.shading.signed).trim();
    // Neighbours that look the same share one mark.
    if (open.name === name && open.to === a) open.to = b;
    else { close(); open = { from: a, to: b, name }; }
  }
  close();
}

/** Marks of the visible part: heat before and after the changed stretch, an underline on it. */
function marks(view: EditorView, store: Store, editing: Editing): DecorationSet {
  const stretch = stretchOf(view.state.field(changesSoFar));
  const builder = new RangeSetBuilder<Decoration>();
  for (const range of drawable(view)) {
    const { from, to } = range;
    if (!stretch) { heat(builder, store, editing, range, 0); continue; }
    heat(builder, store, editing, { from, to: Math.min(to, stretch.from) }, 0);
    const [a, b] = [Math.max(from, stretch.from), Math.min(to, stretch.toB)];
    if (b > a) builder.add(a, b, mark("cotlens-ins"));
    heat(builder, store, editing, { from: Math.max(from, stretch.toB), to }, stretch.toB - stretch.toA);
  }
  return builder.finish();
}

const known = new Map<string, Decoration>();
function mark(name: string): Decoration {
  let decoration = known.get(name);
  if (!decoration) known.set(name, decoration = Decoration.mark({ class: name }));
  return decoration;
}

/** The plugin. Another text than the one that is edited may be shown by now: its heat isn't ours. */
export function heatLayer(store: Store, editing: Editing): ViewPlugin<{ decorations: DecorationSet }> {
  return ViewPlugin.fromClass(class {
    decorations: DecorationSet;
    constructor(view: EditorView) { this.decorations = marks(view, store, editing); }
    update(update: ViewUpdate): void {
      const asked = update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(recolour)));
      if (update.docChanged || update.viewportChanged || update.selectionSet || asked) this.decorations = marks(update.view, store, editing);
    }
  }, { decorations: (plugin) => plugin.decorations });
}
