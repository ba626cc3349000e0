/** Grids of layers for the lens grid and the patch grid. Figures are invented, and the same every time. */

import { CODE } from "./code";
import type { Grid, GridLevel, GridPanel, Job } from "../kit/protocol";
import type { State as LensState } from "../lens_grid/protocol";
import type { State as PatchState } from "../patch_grid/protocol";
import { bytes, random } from "./document";
import { THOUGHT } from "./scores";

interface Options { layers: number; texts: string[]; panels?: number; signed?: boolean; tokens?: boolean; patch?: boolean; missing?: boolean; words?: string[] }

const numbers = (values: number[]): DataView => bytes(Uint32Array.from(values));

/** Tokens as a model may cut them: words with the space before them. */
function cutUp(text: string): string[] { return text.match(/\s*\S{1,6}/g) ?? [text]; }

interface Made { texts: string[]; first: number[]; last: number[] }

function panelOf(name: string, made: Made, { layers, signed = true, patch = false, missing = false, words = [] }: Options, seed: number, more: Partial<GridPanel> = {}): GridPanel {
  const next = random(seed);
  const count = made.texts.length;
  const [estimate, code, reason, leading] = [new Float32Array(layers * count), new Uint8Array(layers * count), new Uint8Array(layers * count), new Uint32Array(layers * count)];
  for (let row = 0; row < layers; row += 1) {
    for (let column = 0; column < count; column += 1) {
      const at = row * count + column;
      const depth = 1 - row / layers;
      const place = count < 2 ? 1 : column / (count - 1);
      if (patch) {
        const edit = Math.floor(count * 0.4);
        estimate[at] = column < edit ? 0 : column === edit ? 1 / (1 + Math.exp(9 * (depth - 0.55))) : column === count - 1 ? 1 / (1 + Math.exp(-9 * (depth - 0.55))) : (next() + next() - 1) * 0.25;
        code[at] = column < edit ? 4 : Math.abs(estimate[at] as number) < 0.03 ? 3 : 1;
        if (column < edit) reason[at] = 1;
      } else if (signed) {
        estimate[at] = 14 * depth * place ** 2 + (next() + next() - 1) * 6;
        code[at] = (estimate[at] as number) > 1.5 ? 1 : 3;
      } else {
        estimate[at] = -9 * (1 - depth) * (0.5 + next()) - 0.1;
        code[at] = (estimate[at] as number) > -6 ? 1 : 3;
      }
      if (missing && column === Math.floor(count * 0.6)) { estimate[at] = NaN; code[at] = 2; reason[at] = 2; }
      leading[at] = words.length ? 1 + ((row + column * 3) % words.length) : 0;
    }
  }
  return {
    name, note: "", trace: `t${seed}`, difference: false, signed, base: signed ? 0 : -8, texts: made.texts, first: numbers(made.first), last: numbers(made.last),
    estimate: bytes(estimate), code: bytes(code), reason: bytes(reason), leading: words.length ? bytes(leading) : numbers([]),
    beside: patch ? [{ name: "shuffled", numbers: bytes(estimate.map((value) => value * 0.1)) }] : [{ name: "floor", numbers: bytes(estimate.map(() => (signed ? 1.5 : -6))) }], ...more,
  };
}

function differenceOf(one: GridPanel, other: GridPanel, name: string): GridPanel {
  const [a, b] = [new Float32Array(one.estimate.buffer.slice(0)), new Float32Array(other.estimate.buffer.slice(0))];
  const [mine, theirs] = [new Uint8Array(one.code.buffer), new Uint8Array(other.code.buffer)];
  // As Python has it: below the floor is only what is so in both.
  const code = mine.map((each, i) => (Number.isNaN((b[i] as number) - (a[i] as number)) ? 2 : each === theirs[i] ? each : 1));
  return { ...one, name, note: "", difference: true, signed: true, base: 0, estimate: bytes(b.map((value, i) => value - (a[i] as number))), code: bytes(code), leading: numbers([]), beside: [] };
}

/** A text with one word changed, as an edit leaves it. */
const edited = (text: string): string => text.replace(/\d+/, "99");

function levelOf(unit: string, one: Made, other: Made, parents: number[], options: Options): GridLevel {
  const names = options.patch ? ["base, answers 60", "source, answers 63"] : ["first trace", "second trace"];
  const notes = options.patch ? ["each cell is given the source's activations: are they enough?", "each cell is given the base's activations: is it needed?"] : ["", ""];
  const runs = [one, other].slice(0, options.panels ?? 1).map((made, i) => panelOf(options.panels === 1 || !options.panels ? "answer 60" : names[i] as string, made, options, 7 + i, { note: notes[i] as string }));
  const both = runs.length === 2 ? [differenceOf(runs[0] as GridPanel, runs[1] as GridPanel, options.patch ? "necessity − sufficiency" : "second − first")] : [];
  return { unit, parents: numbers(parents), panels: [...runs, ...both] };
}

export function gridOf(options: Options): Grid {
  const { layers, texts, signed = true, patch = false, words = [] } = options;
  const pieces = texts.map(cutUp);
  const ends: number[] = [];
  for (const each of pieces) ends.push((ends[ends.length - 1] ?? 20) + each.length);
  const sentences: Made = { texts, first: [20, ...ends.slice(0, -1)], last: ends };
  const changed: Made = { ...sentences, texts: texts.map((text, i) => (i === Math.floor(texts.length * 0.4) ? edited(text) : text)) };
  const all = pieces.flat();
  const tokens: Made = { texts: all, first: all.map((_, i) => 20 + i), last: all.map((_, i) => 21 + i) };
  const parents = pieces.flatMap((each, i) => each.map(() => i));
  const rows = Array.from({ length: layers }, (_, i) => layers - 1 - i);
  const levels = [levelOf("sentence", sentences, changed, [], options)];
  if (options.tokens !== false) levels.push(levelOf("token", tokens, { ...tokens, texts: changed.texts.flatMap(cutUp).slice(0, all.length) }, parents, { ...options, layers }));
  return {
    label: patch ? "Patch grid" : signed ? "Answer lens" : "Logit lens", metric: patch ? "recovery of '63' against '60'" : signed ? "log p('60') - log p('51') at the token that decides" : "log-probability of the next token",
    unit: "sentence", sign: patch ? "+ = supports the source's answer; 1: as the source itself" : signed ? "+ = supports the answer '60'" : "the nearer to 0, the surer the layer is of the token that follows",
    zero: patch ? "as the base itself" : signed ? "neither is likelier" : "certain of it", scale_unit: patch ? "recovery" : "nats", signed, kind: "exact", edit_type: "", model: "abacus", backend: "local",
    settings: [["unit", "sentence", ""], ["form", "the trace's own", "in which words the answer is given"]],
    base: signed ? 0 : -8, scale: patch ? 1 : signed ? 14 : 0, row: "layer", rows: rows.map(String),
    row_words: rows.map((layer) => (patch ? `after layer ${layer}` : layer === layers - 1 ? `after layer ${layer}, the last: the model itself` : layer === 0 ? "the embedding" : `after layer ${layer}`)),
    cone: patch ? "reaches" : "reads", folded: signed ? "" : "the mean over its tokens", floor: patch ? "no larger than what an identity patch does" : "not above the control: nothing about this place is read",
    levels, words: ["", ...words], reasons: ["", "both runs are the same up to here, so that nothing is put in place of anything else", "not aligned: the edited span has 2 tokens here and 3 there; edit with as many tokens"],
  };
}

const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\">", "</span></p><svg onload=window.hacked=3>"];
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => THOUGHT[i % THOUGHT.length] as string);

const lens = (options: Options): LensState => ({ grid: gridOf(options), code: CODE, selected: {}, scale_lock: {} });

/** State name -> traits of the lens grid. */
export const LENSES: Record<string, () => LensState> = {
  lens: () => lens({ layers: 5, texts: THOUGHT }),
  lenstwo: () => lens({ layers: 13, texts: THOUGHT, panels: 2, missing: true }),
  lenswords: () => lens({ layers: 31, texts: THOUGHT, signed: false, words: [" the", " pencils", "6", "0", " so", "."] }),
  lenslarge: () => lens({ layers: 40, texts: many(400), panels: 2, tokens: false }),
  lenshostile: () => lens({ layers: 3, texts: HOSTILE, panels: 2, words: HOSTILE }),
  lensone: () => lens({ layers: 2, texts: ["So 60."], tokens: false }),
};

export const IDLE: Job = { id: null, state: "idle", label: "", done: 0, total: null, eta: null, message: null, remedy: null };

const patch = (options: Partial<Options>, more: Partial<PatchState> = {}): PatchState => ({
  grid: gridOf({ layers: 8, texts: THOUGHT, panels: 2, patch: true, ...options }), selected: {}, scale_lock: {}, why: "", job: IDLE, stream: {}, comparison: null, code: "", alive: true,
  branches: [{ id: "b0", parent: null, label: "original", answer: "60", p: 0.94, current: true }], ...more,
});

const PATCHED: Partial<PatchState> = {
  branches: [{ id: "b0", parent: null, label: "original", answer: "60", p: 0.94, current: false }, { id: "b1", parent: "b0", label: "layer 5: So 63 pencils…", answer: "63", p: 0.88, current: true }],
  code: "import cotlens as cl\n\nvalues = model.read(donor, 'resid_post.5', positions=list(range(40, 48)))['resid_post.5']",
  comparison: {
    before: { answer: "60", p: 0.94 }, after: { answer: "63", p: 0.88 }, rows: [{ answer: "60", before: 0.94, after: 0.08 }, { answer: "63", before: 0.02, after: 0.88 }, { answer: "other", before: 0.04, after: 0.04 }],
    diff: [{ op: "same", text: "72 - 12 = " }, { op: "del", text: "60." }, { op: "ins", text: "63." }, { op: "same", text: " So that is what is left." }], surprise: null, surprise_was: null, warning: null,
    note: "after: the text written under the change, and its answer scored under it · recovery with the text as it was: +0.962",
  },
};

/** State name -> traits of the patch grid. */
export const PATCHES: Record<string, () => PatchState> = {
  patch: () => patch({}),
  patchwaits: () => patch({ tokens: false, missing: true }),
  patchdone: () => patch({}, PATCHED),
  patchrunning: () => patch({}, { job: { ...IDLE, id: 3, state: "running", label: "layer 5: 72 - 12 = 60.", done: 12, total: 80, eta: 9 } }),
  patchgone: () => patch({}, { why: "No model was given, so that this grid can be read but nothing patched: open it with cl.PatchGrid(result, model=model, base=base, source=source)." }),
  patchempty: () => ({ ...patch({}), grid: {}, job: { ...IDLE, id: 1, state: "running", label: "patching every cell", done: 40, total: 120, eta: 20 } }),
  patchhostile: () => patch({ layers: 3, texts: HOSTILE }, { branches: [{ id: "b0", parent: null, label: HOSTILE[0] as string, answer: HOSTILE[1] as string, p: null, current: true }] }),
};
