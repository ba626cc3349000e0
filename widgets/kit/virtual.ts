/** A list of blocks of unequal height of which only the visible ones exist in the document. */

import { bisect } from "./text/text";

export interface BlockSource {
  count: number;
  /** Height in px before a block was ever drawn. */
  estimate(index: number): number;
  render(index: number): HTMLElement;
  /** Called when a drawn block leaves the document. */
  drop(index: number): void;
}

/** Blocks this far outside the window are drawn too. */
const OVERSCAN = 500;

export class VirtualList {
  private source: BlockSource = { count: 0, estimate: () => 0, render: () => document.createElement("div"), drop: () => {} };
  private heights = new Float64Array(0);
  private tops = new Float64Array(1);
  private readonly drawn = new Map<number, HTMLElement>();
  private readonly before = document.createElement("div");
  private readonly after = document.createElement("div");
  private width = 0;
  private pending = false;
  /** What was brought into view last, until a person scrolls elsewhere. */
  private aim: Parameters<VirtualList["reveal"]> | null = null;

  /** `scroller` scrolls, `content` holds the blocks; `settled` runs after every draw; `covered` px at the top hide blocks. */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly content: HTMLElement,
    signal: AbortSignal,
    private readonly settled: () => void,
    private readonly covered = 0,
  ) {
    content.append(this.before, this.after);
    scroller.addEventListener("scroll", () => this.schedule(), { signal, passive: true });
    for (const event of ["wheel", "pointerdown", "touchstart", "keydown"]) scroller.addEventListener(event, () => { this.aim = null; }, { signal, passive: true, capture: true });
    const resize = new ResizeObserver(() => this.resized());
    resize.observe(scroller);
    signal.addEventListener("abort", () => resize.disconnect());
  }

  /** Replaces all blocks. The scroll position stays unless the caller moves it. */
  reset(source: BlockSource): void {
    for (const index of [...this.drawn.keys()]) this.remove(index);
    this.aim = null;
    this.source = source;
    this.heights = Float64Array.from({ length: source.count }, (_, i) => source.estimate(i));
    this.sum();
    this.draw();
  }

  /** Draws one block again, for example when it was folded. */
  redraw(index: number): void {
    if (this.drawn.has(index)) { this.remove(index); this.draw(); }
  }

  /** Whether what was brought into view last is what a person still looks at. */
  get aimed(): boolean { return this.aim !== null; }

  elements(): ReadonlyMap<number, HTMLElement> { return this.drawn; }

  /** Scrolls the least needed so that a stretch inside a block is in view. */
  reveal(index: number, where: "nearest" | "start" | "center" = "nearest", within?: () => DOMRect | null): void {
    if (index < 0 || index >= this.source.count) return;
    this.aim = [index, where, within];
    const view = this.room;
    // Without a size there is no place yet: the first size brings it there.
    if (view <= 0) return;
    const go = (top: number, bottom: number): void => {
      const now = this.scroller.scrollTop;
      let next = now;
      if (where === "start") next = top - 8;
      else if (where === "center") next = (top + bottom - view) / 2;
      else if (top < now + 8) next = top - 24;
      else if (bottom > now + view - 8) next = Math.min(top - 8, bottom - view + 24);
      if (Math.abs(next - now) > 0.5) this.scroller.scrollTop = Math.max(0, next);
    };
    const inside = this.drawn.has(index);
    if (!inside || !within) go(this.tops[index] as number, this.tops[index + 1] as number);
    this.draw();
    // Once drawn, real places replace estimates.
    const box = within?.();
    const element = this.drawn.get(index);
    if (box) {
      const frame = this.scroller.getBoundingClientRect();
      const offset = this.scroller.scrollTop - frame.top;
      go(box.top + offset, box.bottom + offset);
    } else if (element) {
      go(this.tops[index] as number, this.tops[index + 1] as number);
    }
    this.draw();
  }

  /** First and last block that touch the window. */
  visible(): { first: number; last: number } {
    const top = this.scroller.scrollTop;
    const first = Math.max(0, bisect(this.tops, top + 1, this.source.count));
    const last = Math.max(first, bisect(this.tops, top + this.room - 1, this.source.count));
    return { first, last };
  }

  top(index: number): number { return this.tops[index] ?? 0; }

  /** Height of the window in which blocks are seen. */
  private get room(): number { return this.scroller.clientHeight - this.covered; }

  private schedule(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.draw(); });
  }

  private resized(): void {
    const width = this.scroller.clientWidth;
    // The first visible block stays where it is.
    const { first } = this.visible();
    const into = this.scroller.scrollTop - this.top(first);
    if (width !== this.width) {
      // Measured heights belong to the old width.
      for (let i = 0; i < this.source.count; i += 1) this.heights[i] = this.source.estimate(i);
      this.sum();
      this.width = width;
    }
    if (this.measure()) this.scroller.scrollTop = this.top(first) + into;
    this.draw();
    if (this.aim) this.reveal(...this.aim);
  }

  private sum(): void {
    this.tops = new Float64Array(this.heights.length + 1);
    for (let i = 0; i < this.heights.length; i += 1) this.tops[i + 1] = (this.tops[i] as number) + (this.heights[i] as number);
  }

  private remove(index: number): void {
    this.drawn.get(index)?.remove();
    this.drawn.delete(index);
    this.source.drop(index);
  }

  /** Reads real heights of the drawn blocks; true when one differed. */
  private measure(): boolean {
    let differs = false;
    for (const [index, element] of this.drawn) {
      const height = element.getBoundingClientRect().height;
      if (Math.abs(height - (this.heights[index] as number)) > 0.25) { this.heights[index] = height; differs = true; }
    }
    if (differs) this.sum();
    return differs;
  }

  /** Takes the new heights of blocks that grew by themselves. */
  remeasure(): void {
    if (this.measure()) this.draw();
  }

  draw(): void {
    const view = this.room;
    if (view <= 0) return;
    for (let round = 0; round < 3; round += 1) {
      const top = this.scroller.scrollTop;
      const anchor = this.visible().first;
      const into = top - this.top(anchor);
      const first = Math.max(0, bisect(this.tops, top - OVERSCAN, this.source.count));
      const last = Math.min(this.source.count, bisect(this.tops, top + view + OVERSCAN, this.source.count) + 1);
      const added = this.window(first, last);
      this.before.style.height = `${this.top(first)}px`;
      this.after.style.height = `${this.top(this.source.count) - this.top(last)}px`;
      if (!added) break;
      if (!this.measure()) break;
      this.before.style.height = `${this.top(first)}px`;
      this.after.style.height = `${this.top(this.source.count) - this.top(last)}px`;
      const wanted = this.top(anchor) + into;
      if (Math.abs(wanted - this.scroller.scrollTop) > 0.5) this.scroller.scrollTop = wanted;
    }
    this.settled();
  }

  /** Makes exactly the blocks first..last exist; true when one was added. */
  private window(first: number, last: number): boolean {
    for (const index of [...this.drawn.keys()]) if (index < first || index >= last) this.remove(index);
    let added = false;
    let next: Element = this.after;
    for (let index = last - 1; index >= first; index -= 1) {
      let element = this.drawn.get(index);
      if (!element) {
        element = this.source.render(index);
        this.drawn.set(index, element);
        this.content.insertBefore(element, next);
        added = true;
      }
      next = element;
    }
    return added;
  }
}
