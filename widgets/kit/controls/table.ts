/** A sortable table of any length of which only the visible rows exist. One tab stop; arrows move and pick. */

import { button, h, setAttribute, uniqueId } from "../dom";
import { VirtualList } from "../virtual";

export interface Column { key: string; label: string; title: string; sortable: boolean }

export interface TableOptions {
  label: string;
  columns: readonly Column[];
  /** What a row shows, one entry per column. */
  cells(row: number): (Node | string)[];
  /** What a row says to a screen reader. */
  spoken(row: number): string;
  sorted(key: string): void;
  picked(row: number): void;
}

const ROW = 28;
/** The row of titles, which stays at the top while the others scroll below it. */
const HEAD = 26;

export class SortableTable {
  readonly element: HTMLElement;
  private readonly heads = new Map<string, HTMLElement>();
  private readonly list: VirtualList;
  private rows: ArrayLike<number> = [];
  private place = new Map<number, number>();
  private current: number | null = null;
  private readonly currentId = uniqueId("row");

  constructor(private readonly options: TableOptions, signal: AbortSignal) {
    const content = h("div", "cotlens-table-body", { role: "presentation" });
    const head = h("div", "cotlens-table-row cotlens-table-head", { role: "row", "aria-rowindex": 1 },
      ...options.columns.map((column) => this.head(column, signal)));
    this.element = h("div", "cotlens-table", { role: "grid", tabindex: 0, "aria-label": options.label, "data-region": "table" }, head, content);
    this.list = new VirtualList(this.element, content, signal, () => this.mark(), HEAD);
    content.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-row]");
      if (row) options.picked(Number(row.dataset["row"]));
    }, { signal });
    this.element.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  /** Shows these rows in this order. */
  show(rows: ArrayLike<number>, sort: string, descending: boolean): void {
    this.rows = rows;
    this.place = new Map(Array.from(rows, (row, i) => [row, i]));
    for (const [key, head] of this.heads) setAttribute(head, "aria-sort", key === sort ? (descending ? "descending" : "ascending") : null);
    setAttribute(this.element, "aria-rowcount", rows.length + 1);
    this.list.reset({ count: rows.length, estimate: () => ROW, render: (index) => this.row(index), drop: () => {} });
  }

  /** Marks a row as the picked one, and brings it into view. */
  pick(row: number | null): void {
    this.current = row;
    const place = row === null ? undefined : this.place.get(row);
    if (place !== undefined) this.list.reveal(place);
    this.mark();
  }

  top(): void { this.element.scrollTop = 0; }

  private head(column: Column, signal: AbortSignal): HTMLElement {
    const element = h("span", `cotlens-cell cotlens-cell-${column.key}`, { role: "columnheader", title: column.title });
    if (!column.sortable) { element.append(column.label || h("span", "cotlens-unseen", {}, column.title)); return element; }
    const sort = button("cotlens-sort", column.label, { "data-sort": column.key, title: column.title });
    sort.addEventListener("click", () => this.options.sorted(column.key), { signal });
    element.append(sort);
    this.heads.set(column.key, element);
    return element;
  }

  private row(index: number): HTMLElement {
    const row = this.rows[index] as number;
    const cells = this.options.cells(row).map((cell, i) =>
      h("span", `cotlens-cell cotlens-cell-${this.options.columns[i]?.key ?? ""}`, { role: "gridcell" }, cell));
    return h("div", "cotlens-table-row", { role: "row", "data-row": row, "aria-rowindex": index + 2, "aria-label": this.options.spoken(row) }, ...cells);
  }

  private mark(): void {
    const place = this.current === null ? -1 : (this.place.get(this.current) ?? -1);
    for (const [index, element] of this.list.elements()) {
      const is = index === place;
      setAttribute(element, "aria-selected", is ? "true" : null);
      setAttribute(element, "id", is ? this.currentId : null);
    }
    setAttribute(this.element, "aria-activedescendant", this.list.elements().has(place) ? this.currentId : null);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest("button")) return;
    const last = this.rows.length - 1;
    const at = this.current === null ? -1 : (this.place.get(this.current) ?? -1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.options.picked(this.rows[Math.max(0, Math.min(last, to))] as number);
  }
}
