/** The table: one row per active latent; only those in sight exist. */

import { button, h, onClick, setAttribute, setText } from "../kit/dom";
import { count, figure, quoted, signed } from "../kit/numbers";
import { SortableTable, type Column } from "../kit/controls/table";
import type { SortKey } from "./model";
import { any, type Context, type Section } from "./context";
import { sparkline } from "./spark";
import type { Weighted } from "./protocol";
import { ORIGINS } from "./model";

const COLUMNS: readonly Column[] = [
  { key: "pin", label: "", title: "pinned latents stay on top", sortable: false },
  { key: "latent", label: "latent", title: "number of the latent", sortable: true },
  { key: "label", label: "label", title: "what it is called, and by whom", sortable: true },
  { key: "here", label: "here", title: "largest activation on the selection", sortable: true },
  { key: "max", label: "max", title: "largest activation in the trace", sortable: true },
  { key: "mean", label: "mean", title: "mean activation over the trace, zeros counted", sortable: true },
  { key: "density", label: "density", title: "share of the trace's tokens at which it is active", sortable: true },
  { key: "spark", label: "along the trace", title: "activation along the trace, each row on its own scale", sortable: false },
  { key: "estimate", label: "effect, estimate", title: "effect on the answer to first order; sorted by size", sortable: true },
  { key: "exact", label: "effect, exact", title: "effect on the answer, measured by ablating the latent; sorted by size", sortable: true },
  { key: "fires", label: "fires on", title: "tokens of its strongest activations in the trace", sortable: false },
  { key: "logits", label: "raises · lowers", title: "tokens it makes more and less probable on the direct path", sortable: false },
];
const ASCENDS: ReadonlySet<string> = new Set(["latent", "label"]);

export function percent(share: number): string {
  return Number.isNaN(share) ? "—" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

function logitWords(list: Weighted[] | undefined): string {
  return (list ?? []).slice(0, 3).map(([token]) => quoted(token)).join(" ");
}

export interface RowsSection extends Section { focus(): void; shown(): number[]; next(by: number): void }

export function createRows(context: Context): RowsSection {
  const { store, signal } = context;
  const nothing = h("p", "cotlens-note cotlens-nothing");
  const table = new SortableTable({ label: "active latents", columns: COLUMNS, cells, spoken, sorted, picked: (row) => pick(store.latents.latents[row] as number) }, signal);
  const order = h("span");
  const fold = button("cotlens-link", "", { "data-action": "template" });
  onClick(fold, signal, () => store.arrange({ template: !store.own.now.template }));
  const line = h("div", "cotlens-foldline", {}, order, fold);
  const element = h("div", "cotlens-tablepane", {}, line, table.element, nothing);
  let described: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(described));

  function pick(latent: number): void {
    // One that was picked already may have been scrolled away.
    if (store.own.now.picked === latent) table.pick(store.latents.rowOf(latent));
    else store.own.set({ picked: latent, naming: false });
  }

  function sorted(key: string): void {
    const { sort, descending } = store.own.now;
    store.arrange({ sort: key as SortKey, descending: sort === key ? !descending : !ASCENDS.has(key) });
    table.top();
  }

  /** What nobody asked for is said: by what it is sorted, and what is folded away. */
  function drawFold(): void {
    const [folded, all] = [store.folded(), store.latents.templateCount];
    const open = store.own.now.template && all > 0;
    const chosen = store.own.now.selection === null ? "on what was written less that on the prompt" : "on the selection less that on the rest";
    setText(order, store.sorting() === "contrast" ? `sorted by mean activation ${chosen}` : "");
    setText(fold, folded > 0 ? `${count(folded, "latent")} active at template tokens only: show` : open ? `fold ${count(all, "latent")} of template tokens` : "");
    fold.hidden = folded === 0 && !open;
    line.hidden = fold.hidden && order.textContent === "";
  }

  function effectCell(value: number, otherwise: string): HTMLElement {
    const known = !Number.isNaN(value);
    return h("span", known ? "cotlens-number" : "cotlens-muted cotlens-small", { title: known ? null : store.effect.why || null }, known ? signed(value) : otherwise);
  }

  function cells(row: number): (Node | string)[] {
    const { latents } = store;
    const latent = latents.latents[row] as number;
    const here = latents.here[row] as number;
    const known = store.words(latent);
    if (known === null) soon();
    const pinned = store.own.now.pinned.has(latent);
    const star = button("cotlens-star", pinned ? "★" : "☆", { tabindex: -1, "aria-pressed": String(pinned), "aria-label": `pin latent ${latent}`, title: pinned ? "let go" : "keep on top" });
    star.onclick = (event) => { event.stopPropagation(); store.toggle("pinned", latent); };
    const label = latents.labels[row] as string;
    const score = latents.scores[row] as number;
    const origin = ORIGINS[latents.origins[row] ?? 0] ?? "";
    const title = label === "" ? null : `${label}\n${origin}${Number.isNaN(score) ? "" : `; F1 ${score.toFixed(2)} on texts it was not chosen on`}`;
    const blanked = h("span", "cotlens-muted cotlens-small", { title: "active only at tokens that the SAE can't reconstruct" }, "▨ not told");
    const off = store.effect.why !== "";
    return [
      star, String(latent), h("span", label === "" ? "cotlens-muted" : "", { title }, label || "unlabelled"),
      Number.isNaN(here) ? blanked : here === 0 ? h("span", "cotlens-muted", {}, "—") : figure(here),
      figureOr(latents.max[row] as number), figure(latents.mean[row] as number), percent(latents.density[row] as number),
      sparkline(latents, row, store.text.count),
      effectCell(store.estimate[row] as number, off ? "—" : "…"), effectCell(store.exact[row] as number, off ? "—" : "not asked"),
      h("span", "cotlens-muted cotlens-mono", {}, latents.topTokens(row).map(quoted).join(" ")),
      h("span", "cotlens-mono cotlens-muted", {}, known ? `${logitWords(known.raises)} · ${logitWords(known.lowers)}` : ""),
    ];
  }

  function figureOr(value: number): string | HTMLElement {
    return Number.isNaN(value) ? h("span", "cotlens-muted", { title: "active only at tokens that the SAE can't reconstruct" }, "▨") : figure(value);
  }

  function spoken(row: number): string {
    const { latents } = store;
    const here = latents.here[row] as number;
    const effect = store.exact[row] as number;
    const estimate = store.estimate[row] as number;
    return `latent ${latents.latents[row]}, ${latents.labels[row] || "unlabelled"}, ${Number.isNaN(here) ? "not told here" : `activation ${figure(here)}`}, `
      + (Number.isNaN(effect) ? (Number.isNaN(estimate) ? "effect not known" : `estimated effect ${signed(estimate)}`) : `effect ${signed(effect)}`);
  }

  const shown = (): number[] => [...table.element.querySelectorAll<HTMLElement>(".cotlens-table-body [data-row]")].map((each) => store.latents.latents[Number(each.dataset["row"])] as number);

  /** Asks for the words of the rows in sight, once scrolling rests. */
  function soon(): void {
    clearTimeout(described);
    described = setTimeout(() => store.describe(shown()), 120);
  }

  return {
    element,
    focus() { table.element.focus({ preventScroll: true }); },
    shown,
    next(by) {
      const { picked } = store.own.now;
      const at = picked === null ? -1 : store.rows.indexOf(store.latents.rowOf(picked));
      const row = store.rows[Math.max(0, Math.min(store.rows.length - 1, at + by))];
      if (row !== undefined) pick(store.latents.latents[row] as number);
    },
    update(changed) {
      if (any(changed, "rows", "activity", "trace", "effects", "words")) {
        table.show(store.rows, store.sorting(), store.own.now.descending);
        drawFold();
        nothing.hidden = store.rows.length > 0;
        setText(nothing, !store.read ? (store.running ? "Reading…" : "Nothing was read yet.") : store.latents.count === 0 ? "No latent is active in this text." : "No latent fits what is asked for.");
        setAttribute(table.element, "data-count", store.rows.length);
      }
      // Only then: bringing it into view whenever numbers arrive would take the scroll bar out of a person's hand.
      if (any(changed, "picked", "activity", "trace")) {
        const { picked } = store.own.now;
        const row = picked === null ? -1 : store.latents.rowOf(picked);
        table.pick(row < 0 ? null : row);
      }
    },
  };
}
