/** Heat inside CodeMirror: marks for the visible tokens only, found by bisecting the offsets. */

import { ChangeSet, RangeSetBuilder, StateEffect, StateField, type ChangeDesc } from "@codemirror/state";
import { Decoration, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from "@codemirror/view";
import { heatClass, UNMEASURED } from "../kit/heat";
import { bisect } from "../kit/text";
import type { Store } from "./store";

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

/** Marks of the visible part: heat before and after the changed stretch, an underline on it. */
function marks(view: EditorView, store: Store, start: number): DecorationSet {
  const stretch = stretchOf(view.state.field(changesSoFar));
  const { levels, text, payload } = store;
  const signed = payload.shading?.signed ?? true;
  const builder = new RangeSetBuilder<Decoration>();
  const size = view.state.doc.length;
  const delta = stretch ? stretch.toB - stretch.toA : 0;
  const heat = (from: number, to: number, shift: number): void => {
    if (to <= from || payload.shading === null) return;
    let open: { from: number; to: number; name: string } | null = null;
    const close = (): void => {
      if (open && open.name !== "" && open.to > open.from) builder.add(open.from, open.to, mark(open.name));
      open = null;
    };
    const first = Math.max(0, bisect(text.offsets, start + from - shift));
    for (let token = first; token < text.count; token += 1) {
      const a = Math.max(from, text.start(token) - start + shift);
      const b = Math.min(to, text.end(token) - start + shift);
      if (a >= to) break;
      if (b <= a) continue;
      const step = levels[token] as number;
      const name = step === UNMEASURED ? "" : heatClass(step, signed).trim();
      if (open && (open as { name: string }).name === name) (open as { to: number }).to = b;
      else { close(); open = { from: a, to: b, name }; }
    }
    close();
  };
  for (const { from, to } of view.visibleRanges) {
    if (!stretch) { heat(from, Math.min(to, size), 0); continue; }
    heat(from, Math.min(to, stretch.from), 0);
    const [a, b] = [Math.max(from, stretch.from), Math.min(to, stretch.toB)];
    if (b > a) builder.add(a, b, mark("cotlens-ins"));
    heat(Math.max(from, stretch.toB), Math.min(to, size), delta);
  }
  return builder.finish();
}

const known = new Map<string, Decoration>();
function mark(name: string): Decoration {
  let decoration = known.get(name);
  if (!decoration) known.set(name, decoration = Decoration.mark({ class: name }));
  return decoration;
}

/** The plugin; `start` is where the thought begins in the document. */
export function heatLayer(store: Store, start: number): ViewPlugin<{ decorations: DecorationSet }> {
  return ViewPlugin.fromClass(class {
    decorations: DecorationSet;
    constructor(view: EditorView) { this.decorations = marks(view, store, start); }
    update(update: ViewUpdate): void {
      const asked = update.transactions.some((transaction) => transaction.effects.some((effect) => effect.is(recolour)));
      if (update.docChanged || update.viewportChanged || asked) this.decorations = marks(update.view, store, start);
    }
  }, { decorations: (plugin) => plugin.decorations });
}
