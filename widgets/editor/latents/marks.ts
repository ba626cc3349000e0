/** Where latents stand in a text that is being edited: they have no characters, and what is typed stands before or behind them. */

import { StateField, type Extension } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, type DecorationSet } from "@codemirror/view";
import { h } from "../../kit/dom";
import { count } from "../../kit/numbers";
import type { Editing, Store } from "../store";

class Mark extends WidgetType {
  constructor(private readonly many: number) { super(); }
  override eq(other: Mark): boolean { return other.many === this.many; }
  override toDOM(): HTMLElement { return h("span", "cotlens-latent-mark", { title: "latents have no text: leave the editor and pick them to move them" }, count(this.many, "latent")); }
}

export function latentMarks(store: Store, { document, text, span }: Editing): Extension {
  if (store.payload.document?.id !== document || !store.payload.latents) return [];
  const at = new Map<number, number>();
  for (const { token } of store.payload.latents.chips) {
    const char = text.start(token) - span.start;
    at.set(char, (at.get(char) ?? 0) + 1);
  }
  const marks = [...at].sort(([a], [b]) => a - b).map(([char, many]) => Decoration.widget({ widget: new Mark(many), side: -1 }).range(char));
  return StateField.define<DecorationSet>({
    create: () => Decoration.set(marks),
    update: (now, { changes }) => now.map(changes),
    provide: (field) => EditorView.decorations.from(field),
  });
}
