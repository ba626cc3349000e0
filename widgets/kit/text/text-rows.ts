/**
 * A text as a grid of rows, of which only those in view exist: a row is a stretch of pieces, a piece is a cell. What the
 * pieces are (tokens or units) and how they are painted is the view's. The editor's rows also fold, offer what can be done
 * with them and grow while text is being written: `editor/reading.ts` is one of its own. The panel's texts are marked across
 * rows and written on at their end: `steering_panel/text-view.ts` draws them whole, as running text.
 */

import { h, setAttribute, type Attributes } from "../dom";
import type { Findable } from "./find";
import { VirtualList } from "../virtual";

const LINE = 25; // px
const CHAR = 7.3;
const NARROWEST = 20; // characters

export interface TextRow { element: HTMLElement; /** The number of its first piece. */ first: number; spans: HTMLElement[] }

/** Where a character is drawn: in which row, as part of which piece, and where that begins. */
export interface Place { row: number; piece: number; start: number; text: string }

export class TextRows<Row extends TextRow> {
  readonly drawn = new Map<number, Row>();
  readonly list: VirtualList;
  private readonly content = h("div", "cotlens-content", { role: "presentation" });
  readonly element: HTMLElement;

  /** `beside` px of a row hold no text; `settled` runs after every draw. */
  constructor(attributes: Attributes, private readonly beside: number, signal: AbortSignal, settled: () => void) {
    this.element = h("div", "cotlens-reading", { role: "grid", tabindex: 0, "aria-readonly": "true", "data-region": "text", ...attributes }, this.content);
    this.list = new VirtualList(this.element, this.content, signal, settled);
  }

  /** Replaces all rows; `height` in px before a row was ever drawn. */
  reset(count: number, height: (index: number) => number, render: (index: number) => Row): void {
    this.drawn.clear();
    setAttribute(this.element, "aria-rowcount", count);
    this.list.reset({
      count, estimate: height,
      render: (index) => {
        const row = render(index);
        setAttribute(row.element, "aria-rowindex", index + 1);
        this.drawn.set(index, row);
        return row.element;
      },
      drop: (index) => { this.drawn.delete(index); },
    });
  }

  /** Height of so many characters, in px. */
  height(chars: number): number {
    const perLine = Math.max(NARROWEST, (this.element.clientWidth - this.beside) / CHAR);
    return Math.max(1, Math.ceil(chars / perLine)) * LINE;
  }

  /** The cell of a piece; null where it isn't drawn. */
  cell(index: number, piece: number): HTMLElement | null {
    const row = this.drawn.get(index);
    return row?.spans[piece - row.first] ?? null;
  }

  reveal(index: number, piece: number, where: "nearest" | "center" = "nearest"): void {
    this.list.reveal(index, where, () => this.cell(index, piece)?.getBoundingClientRect() ?? null);
  }

  /** For the search. */
  findable(text: () => string, place: (char: number) => Place, where: "nearest" | "center" = "nearest"): Findable {
    return {
      text,
      reveal: (char) => { const { row, piece } = place(char); this.reveal(row, piece, where); },
      cell: (char) => {
        const { row, piece, start, text } = place(char);
        const element = this.cell(row, piece);
        return element && { element, start, piece: text };
      },
    };
  }
}
