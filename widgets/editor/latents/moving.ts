/** Sliders of the picked latents, between the mean, their own place and a donor's, and what is answered then. */

import { latentOf, pickedLatents } from "./picked";
import { beforeAfterBars } from "../../kit/controls/bars";
import { button, h, onClick, setAttribute, setOff, setText } from "../../kit/dom";
import { figure, signed } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";
import type { LatentChip, LatentControl, LatentEffect, MovedLatents } from "../state";

/** A hand that moves on asks nothing: this long it has to rest. */
const REST_MS = 120;
const STEP = 0.05;
const EFFECTS: [LatentEffect, string][] = [["total", "later latents are thought anew"], ["direct", "later latents are held at what they were"]];

interface Row { token: number; slider: HTMLInputElement; said: HTMLElement; element: HTMLElement }

export function createMoving({ store, actions, root, signal }: Context): Section {
  const effects = EFFECTS.map(([effect, title]) => button("cotlens-seg", effect, { "data-effect": effect, title }));
  const donor = h("select", "cotlens-select", { "aria-label": "whose latents" });
  const list = h("div", "cotlens-sliders");
  const bars = h("div", "cotlens-moved-answers", { role: "status", "aria-live": "polite" });
  const put = button("cotlens-button cotlens-primary", "Make it a branch", { "data-action": "put" });
  const back = button("cotlens-button", "Back to its own", { "data-action": "own" });
  const note = h("p", "cotlens-small cotlens-muted");
  const element = h("section", "cotlens-moving", { "data-region": "moving", hidden: true },
    h("h4", "cotlens-title", {}, "With another in its place"), list, bars,
    h("div", "cotlens-line", {}, h("span", "cotlens-segs", { role: "group", "aria-label": "effect" }, ...effects), donor),
    h("div", "cotlens-line", {}, put, back), note);
  let rows: Row[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer));

  const off = (): string | null => store.off ?? (store.payload.latents?.off || null);
  const chips = (): LatentChip[] => pickedLatents(store);
  const placed = (token: number): number => (store.own.moving.document === store.payload.document?.id ? store.own.moving.places.get(token) ?? 0 : 0);
  const places = (): number[] => chips().map(({ token }) => placed(token));
  const moves = (): boolean => places().some((place) => place !== 0);

  for (const each of effects) onClick(each, signal, () => choose({ effect: each.dataset["effect"] as LatentEffect }));
  donor.addEventListener("change", () => choose({ donor: donor.value }), { signal });
  onClick(put, signal, () => commit());
  onClick(back, signal, () => { set(chips().map(({ token }) => [token, 0])); rows[0]?.slider.focus(); });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") root.querySelector<HTMLElement>("[data-region=text]")?.focus({ preventScroll: true });
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) commit();
    else return;
    event.preventDefault();
  }, { signal });

  function choose(what: { effect?: LatentEffect; donor?: string }): void {
    store.setOwn({ moving: { ...store.own.moving, ...what } });
    ask();
  }

  function set(moved: [number, number][]): void {
    const { moving } = store.own;
    const document = store.payload.document?.id ?? "";
    const before = moving.document === document ? moving.places : [];
    store.setOwn({ moving: { ...moving, document, places: new Map([...before, ...moved]) } });
    ask();
  }

  /** Asks once the hand rests; the newest place wins. */
  function ask(): void {
    clearTimeout(timer);
    if (off() !== null || !moves() || answered() !== null) return;
    timer = setTimeout(() => {
      const first = chips()[0];
      if (first && moves() && off() === null) actions.moveLatents("move", first.token, places());
    }, REST_MS);
  }

  function commit(): void {
    const first = chips()[0];
    if (!first || !moves() || off() !== null) return;
    clearTimeout(timer);
    actions.moveLatents("put", first.token, places());
  }

  /** What was answered for the places as they stand, null while it isn't known. */
  function answered(): MovedLatents | null {
    const { moved, document } = store.payload;
    const { effect, donor: from } = store.own.moving;
    const now = places();
    const same = moved !== null && moved.document === document?.id && moved.token === chips()[0]?.token && moved.effect === effect
      && moved.donor === from && moved.places.length === now.length && moved.places.every((place, i) => place === now[i]);
    return same ? moved : null;
  }

  /** To the first slider, with the answers below it in sight; the notebook moves no further than the slider asks. */
  function begin(): void {
    rows[0]?.slider.focus();
    const pane = element.parentElement;
    if (pane) pane.scrollTop += element.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
  }

  function build(): void {
    const now = chips();
    if (rows.length === now.length && rows.every((row, i) => row.token === now[i]?.token)) return;
    rows = now.map((chip) => rowOf(chip));
    list.replaceChildren(...rows.map((row) => row.element));
  }

  function rowOf({ token }: LatentChip): Row {
    const number = latentOf(store, token);
    const slider = h("input", "cotlens-range", { type: "range", min: -1, max: 1, step: STEP, "data-latent": number, "aria-label": `latent ${number}, between the mean and a donor's` });
    const said = h("span", "cotlens-number");
    slider.addEventListener("input", () => set([[token, Number(slider.valueAsNumber.toFixed(2))]]), { signal });
    return { token, slider, said, element: h("div", "cotlens-slider-row", {}, h("span", "cotlens-muted", {}, String(number)), slider, said) };
  }

  /** "its own", "65 % mean", "donor's". */
  function words(place: number): string {
    if (place === 0) return "its own";
    const end = place < 0 ? "mean" : "donor";
    return Math.abs(place) === 1 ? end : `${Math.round(100 * Math.abs(place))} % ${end}`;
  }

  function draw(): void {
    const { latents } = store.payload;
    element.hidden = latents === null || chips().length === 0;
    if (element.hidden || !latents) return;
    build();
    const why = off();
    const can = latents.donors.some(({ id, reason }) => reason === null && id === store.own.moving.donor);
    const now = answered();
    rows.forEach(({ token, slider, said }, i) => {
      const place = placed(token);
      slider.max = can ? "1" : "0";
      slider.disabled = why !== null;
      if (slider.valueAsNumber !== place) slider.value = String(place);
      const norm = now ? now.norms[i] : place === 0 ? latents.chips[latentOf(store, token)]?.norm : undefined;
      const length = norm === undefined || norm === null ? "" : `, norm ${figure(norm)}`;
      setText(said, `${words(place)}${length}`);
      setAttribute(slider, "aria-valuetext", `${words(place)}${length}`);
    });
    for (const each of effects) {
      setAttribute(each, "aria-pressed", String(each.dataset["effect"] === store.own.moving.effect));
      setOff(each, why, EFFECTS.find(([effect]) => effect === each.dataset["effect"])?.[1]);
    }
    donor.disabled = why !== null || latents.donors.length === 0;
    setOff(put, why ?? (moves() ? null : "Move a slider first."), "write on from there as a branch of its own (Ctrl/Cmd+Enter)");
    setOff(back, moves() ? null : "It stands where it stood.", "take these latents back to their own place");
    drawAnswers(now, why, latents.mean);
  }

  function drawDonors(): void {
    const { latents } = store.payload;
    const options = (latents?.donors ?? []).map(({ id, label, reason }) => h("option", "", { value: id, disabled: reason !== null, title: reason }, `donor: ${label}`));
    donor.replaceChildren(...(options.length ? options : [h("option", "", { value: "" }, "no donor")]));
    const fits = latents?.donors.filter(({ reason }) => reason === null) ?? [];
    const { moving } = store.own;
    const kept = fits.some(({ id }) => id === moving.donor) ? moving.donor : fits[0]?.id ?? "";
    if (kept !== moving.donor) store.setOwn({ moving: { ...moving, donor: kept } });
    donor.value = kept;
  }

  function drawAnswers(now: MovedLatents | null, why: string | null, mean: string): void {
    const ends = `left end: the mean of ${mean}; right end: ${donor.value ? "the donor's" : "no donor was given"}; between them a straight line`;
    setAttribute(bars, "data-waiting", now === null && moves() && why === null ? "" : null);
    if (now !== null) bars.replaceChildren(...told(now));
    else if (!moves() || why !== null) bars.replaceChildren(h("p", "cotlens-small cotlens-muted", {}, why ?? "Move a slider: what would be answered then?"));
    setText(note, now ? `${ends} · ${now.cost}` : ends);
  }

  return {
    element,
    update(changed) {
      if (any(changed, "latents")) drawDonors();
      if (any(changed, "picked", "latents", "moved", "moving", "document", "alive", "broken", "loading")) draw();
      if (any(changed, "picked") && moves()) ask();
      if (changed.has("sliders") && store.own.sliders > 0) begin();
    },
  };
}

/** The answers as bars, what it did to the one that is followed, and the same of the control. */
function told({ rows, answer, was, now, floor, control }: MovedLatents): HTMLElement[] {
  const faint = Math.abs(now - was) <= floor;
  const change = `log-odds of ${answer}: ${signed(was)} → ${signed(now)} nats, ${signed(now - was)}${faint ? ", within the noise" : ""} (exact, noise ${figure(floor)})`;
  return [beforeAfterBars(rows), h("p", "cotlens-small", {}, change), ...(control ? [h("p", "cotlens-small cotlens-muted", { "data-control": true }, beside(control))] : [])];
}

function beside({ name, reads, was, now, why }: LatentControl): string {
  if (why || was === null || now === null) return `${name}, the control that hands nothing on, could not be asked: ${why}`;
  return `${name}, which hands nothing on: reads ${reads} here, and the same move changes its answer by ${signed(Number((now - was).toFixed(3)))} nats`;
}
