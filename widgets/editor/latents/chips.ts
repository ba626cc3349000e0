/** The latents of a thought as chips: what the lens reads there, in groups of a change where that is known. */

import { latentOf } from "./picked";
import { asCell, rowHead } from "../../kit/text/cells";
import { shortened } from "../../kit/text/cut";
import { h } from "../../kit/dom";
import { figure, shortProbability } from "../../kit/numbers";
import { drawable } from "../../kit/text/special";
import type { LatentChip, LatentStrip } from "../state";
import type { Store } from "../store";

/** What a latent reads as, with what would not be seen as a sign. */
export function readingOf({ text }: LatentChip): string {
  return text === null ? "" : drawable(text.replace(/\n/g, "⏎").trim() || "␣");
}

/** A reading as sure as this has no figure on its chip: most are, and the others are to be seen. */
const SURE = 0.99;

/** What a latent reads as and how surely. */
function seenOf(chip: LatentChip): string {
  return `${shortened(readingOf(chip), 14)} ${shortProbability(chip.p ?? NaN)}`;
}

/** What the figures on chips are; "" where none is read. */
export function figuresOf({ chips }: LatentStrip): string {
  if (chips.every(({ text }) => text === null)) return "";
  return chips.some(({ p }) => (p ?? 0) < SURE) ? "p where below .99" : "p .99 or more";
}

/** "ones of the total, change 3"; "" where nobody knows. */
export function placeOf({ parts }: LatentStrip, number: number): string {
  const part = parts[number % Math.max(1, parts.length)];
  return part === undefined ? "" : `${part}, change ${Math.floor(number / parts.length) + 1}`;
}

/** All that is known of a latent in a line, for its title and who hears it. */
export function latentWords({ payload: { latents } }: Store, number: number): string {
  const chip = latents?.chips[number];
  if (!latents || !chip) return "";
  const reads = chip.text === null ? [latents.note ? "not read" : ""] : [`reads ${seenOf(chip)}`, `entropy ${figure(chip.entropy ?? NaN)} nats`];
  return [`latent ${number}`, placeOf(latents, number), ...reads, `norm ${figure(chip.norm ?? NaN)}`].filter(Boolean).join(", ");
}

/** The tokens of a change. */
export function changeTokens({ payload: { latents } }: Store, change: number): [number, number] {
  const size = Math.max(1, latents?.parts.length ?? 1);
  const first = latents?.chips[change * size]?.token ?? 0;
  return [first, (latents?.chips[change * size + size - 1]?.token ?? first) + 1];
}

/** Chips of the latents among tokens first..last, as the cells of one row. */
export function drawLatents({ first, last }: { first: number; last: number }, store: Store): { element: HTMLElement; spans: HTMLElement[]; base: string[] } {
  const latents = store.payload.latents as LatentStrip;
  const size = latents.parts.length;
  const spans: HTMLElement[] = [];
  const base: string[] = [];
  const groups: HTMLElement[] = [];
  for (let token = first; token < last; token += 1) {
    const number = latentOf(store, token);
    const chip = latents.chips[number] as LatentChip;
    const begins = size > 0 && number % size === 0;
    if (begins || groups.length === 0) groups.push(h("span", `cotlens-change${size > 0 ? " cotlens-known" : ""}`, { role: "presentation" }));
    const group = groups[groups.length - 1] as HTMLElement;
    if (begins) group.append(rowHead("cotlens-num", { "data-change": number / size, title: `pick the latents of change ${number / size + 1}` }, String(number / size + 1)));
    const span = chipOf(chip, number, size === 0);
    asCell(span, "", latentWords(store, number));
    span.title = latentWords(store, number);
    base.push(`cotlens-t cotlens-latent${marksOf(latents, token)}`);
    spans.push(span);
    group.append(span);
  }
  const element = h("div", "cotlens-block cotlens-thought cotlens-latents", { role: "row", "aria-label": "latents" }, ...groups);
  return { element, spans, base };
}

function chipOf(chip: LatentChip, number: number, numbered: boolean): HTMLElement {
  const figure = (chip.p ?? 0) < SURE ? [" ", h("small", "", {}, shortProbability(chip.p ?? NaN))] : [];
  const said = chip.text === null ? [] : [h("b", "", {}, shortened(readingOf(chip), 14)), ...figure];
  return h("span", "", { "data-token": chip.token, "data-number": numbered || chip.text === null ? number : null }, ...said);
}

/** What an edit put there, and from where the model thought again. */
function marksOf({ put, anew }: LatentStrip, token: number): string {
  return `${put !== null && put[0] <= token && token < put[1] ? " cotlens-ins" : ""}${token === anew ? " cotlens-anew" : ""}`;
}
