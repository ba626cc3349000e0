/** The branch written again many times: how often each answer comes, with the edit and without, with intervals. */

import { button, h, onClick, setOff, setText } from "../../kit/dom";
import { shortProbability } from "../../kit/numbers";
import { MOST_TIMES } from "../actions";
import { any, type Context, type Section } from "../context";
import type { Resampled, Share } from "../state";

const USUAL = 20;
const ARMS = ["after", "before"] as const;

export function createResampling({ store, actions, root, signal }: Context): Section {
  const times = h("input", "cotlens-field", { type: "number", min: 1, max: MOST_TIMES, step: 1, value: USUAL, "aria-label": "how many times" });
  const start = button("cotlens-button", "", { "data-action": "resample" });
  const rows = h("div", "cotlens-resampled");
  const why = h("p", "cotlens-small", { "data-note": "unread" });
  const force = button("cotlens-button cotlens-primary", "Close the thoughts and force answers", { "data-action": "force-resampled" });
  const reader = button("cotlens-button", "Another reader…", { "data-action": "read-resampled" });
  const out = h("div", "cotlens-way-out", { role: "status", hidden: true }, why, h("div", "cotlens-line", {}, force, reader));
  const element = h("section", "", {}, h("h4", "cotlens-title", {}, "Answers when written again"), h("div", "cotlens-line", {}, start, times), rows, out);
  onClick(start, signal, () => actions.resample(times.valueAsNumber));
  onClick(force, signal, () => actions.resample(store.payload.resampled?.n ?? USUAL, true));
  onClick(reader, signal, () => root.querySelector<HTMLElement>("[data-action=choices]")?.click());
  times.addEventListener("input", name, { signal });
  times.addEventListener("keydown", (event) => { if (event.key === "Enter") actions.resample(times.valueAsNumber); }, { signal });

  function name(): void {
    setText(start, `Resample × ${times.value || "?"}`);
    setOff(start, store.off ?? (store.payload.document ? null : "There is no trace yet."), "write this branch again so many times, with its edit and without");
  }

  function offer(): void {
    const { advice } = store.payload.resampled ?? { advice: "" };
    out.hidden = !advice;
    setText(why, advice ? `No answer could be read: ${advice}.` : "");
    setOff(force, store.off, "close the thought of each where it stopped, and count what the model is likeliest to answer then");
    setOff(reader, store.off, "choose who reads the answers");
  }

  return {
    element,
    update(changed) {
      if (any(changed, "document", "alive", "broken", "loading")) name();
      if (any(changed, "resampled")) rows.replaceChildren(...(store.payload.resampled ? drawn(store.payload.resampled) : []));
      if (any(changed, "resampled", "alive", "broken", "loading")) offer();
    },
  };
}

function drawn({ n, arms, rows }: Resampled): HTMLElement[] {
  const shown = ARMS.filter((arm) => arms[arm]);
  const called = (arm: (typeof ARMS)[number]): string => (shown.length === 1 ? "written again" : arm === "after" ? "with the edit" : "without it");
  const bars = rows.map((row) => h("div", "cotlens-answer-row", {}, h("span", "cotlens-pair-name", { title: row.answer }, row.answer),
    ...shown.flatMap((arm) => bar(row[arm] as Share, arm, `answer ${row.answer}, ${called(arm)}`))));
  const counts = shown.map((arm) => {
    const { done, unread, cut, forced } = arms[arm] as NonNullable<Resampled["arms"]["after"]>;
    const lost = unread === 0 ? "" : `; ${unread} unread${cut ? `, ${cut} of them cut off by the limit` : ""}`;
    const asked = forced ? `; ${forced} answered once the thought was closed` : "";
    return h("p", "cotlens-small cotlens-muted", { "data-arm": arm }, h("i", `cotlens-share-${arm}`, { "aria-hidden": "true" }), `${called(arm)}: ${done} of ${n} written${asked}${lost}`);
  });
  return [...bars, ...counts];
}

/** The share as a bar, its interval as a line over it. */
function bar({ count, p, low, high }: Share, arm: string, label: string): HTMLElement[] {
  const fill = h("i", `cotlens-share cotlens-share-${arm}`);
  fill.style.width = `${100 * (p ?? 0)}%`;
  const line = h("u", "cotlens-whisker", { hidden: p === null });
  line.style.insetInlineStart = `${100 * (low ?? 0)}%`;
  line.style.width = `${100 * ((high ?? 0) - (low ?? 0))}%`;
  const figures = p === null || low === null || high === null ? "none read" : `${shortProbability(p)} (${shortProbability(low)}–${shortProbability(high)})`;
  return [h("span", "cotlens-groove", { role: "img", "aria-label": `${label}: ${count} times, ${figures}` }, fill, line), h("span", "cotlens-number", {}, figures)];
}
