/** Feature tables for the gallery: small ones to look at, large ones to time. Figures are invented, and the same every time. */

import type { State, Words } from "../feature_table/protocol";
import { bytes, make, random, type Parts } from "./document";

const PARTS: Parts = {
  prompt: "Ravi has 6 shells. He finds 8 more shells on the beach. It is a sunny day. He gives away 5 shells. Then he loses 2 shells. How many shells does Ravi have?",
  thought: ["Okay, let me work through this.", "Ravi starts with 6 shells.", "He finds 8 more, so 6 + 8 = 14.", "It is sunny, but that does not matter.", "He gives away 5, so 14 - 5 = 9.", "Wait, let me check: 9 is right.", "He loses 2, so 9 - 2 = 7.", "So the answer is 7."],
  answer: "The answer is 7.",
};
const NAMED: [label: string, on: RegExp][] = [
  ["the number 14", /^ ?4$/], ["result after “=”", /=/], ["subtraction", /-|gives|loses/], ["“Wait”, “check”", /Wait|check/], ["name of the owner", /Ravi|He/], ["end of a sentence", /\./],
  ["", /shells/], ["in a number", /\d/], ["", /so/], ["the day's weather", /sunny|day/], ["addition", /\+|finds|more/], ["", /the|is/],
];

/** template: so many latents, the last, are active at tokens of the template only, and strongly. */
interface Options { template?: number; parts?: Parts; rows?: number; poor?: number; more?: Partial<State>; labels?: (row: number) => string }

function table({ parts = PARTS, rows = 64, poor = 2, more = {}, labels, template = 0 }: Options = {}): State {
  const made = make("t0", parts);
  const n = made.document.n_tokens;
  const next = random(rows + n);
  const pieces = Array.from({ length: n }, (_, i) => made.document.text.slice(made.offsets[i], made.offsets[i + 1]));
  const outside = [...pieces.keys()].filter((token) => !made.document.roles.some(({ start, end }) => (made.offsets[token] as number) >= start && (made.offsets[token] as number) < end));
  const bounds = new Uint32Array(rows + 1);
  const tokens: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    const named = NAMED[row];
    const drawn = new Set(Array.from({ length: 12 }, () => 1 + Math.floor(next() * (n - 1))));
    const firing = row >= rows - template ? outside : named ? pieces.flatMap((piece, token) => (token > 0 && named[1].test(piece) ? token : [])) : [...drawn].sort((a, b) => a - b);
    for (const token of firing) { tokens.push(token); values.push(Number((0.4 + 4.6 * next() * next() + (named ? 0.8 : 0)).toFixed(3)) * (row >= rows - template ? 9 : 1)); }
    bounds[row + 1] = tokens.length;
  }
  const latents = Uint32Array.from({ length: rows }, (_, row) => (row * 2654435761) % 131072);
  const error = Float32Array.from({ length: n }, (_, token) => (token === 0 ? NaN : 0.02 + 0.3 * next()));
  for (let i = 0; i < poor; i += 1) error[made.thought.first + 9 + 14 * i] = 0.7;
  const effects = Float32Array.from({ length: rows }, (_, row) => (next() - 0.4) * (row < 8 ? 2.4 : 0.3));
  const words: Record<string, Words> = Object.fromEntries([...latents.subarray(0, 64)].map((latent) => [latent, { raises: [[" 4", 1.3], [" 9", 0.8], [" so", 0.4]], lowers: [[" 6", -0.9], [" the", -0.5], ["\n", -0.2]] }]));
  return {
    head: { model: "abacus", where: "local · CPU", sae: "topk k=16 SAE of resid_post.1", width: 131072, link: "https://www.neuronpedia.org/abacus/1-res-131k/" },
    document: made.document, token_offsets: bytes(made.offsets), error: bytes(error), facts: { explained: 0.93, l0: 15.8, poor: 0.5, note: "" },
    latents: bytes(latents), bounds: bytes(bounds), tokens: bytes(Uint32Array.from(tokens)), values: bytes(Float32Array.from(values)),
    labels: Array.from({ length: rows }, (_, row) => (row >= rows - template ? `template ${row}` : null) ?? labels?.(row) ?? NAMED[row]?.[0] ?? (row % 3 ? `the token ${row}` : "")),
    origins: new DataView(Uint8Array.from({ length: rows }, (_, row) => (row === 3 ? 3 : 1)).buffer),
    scores: bytes(Float32Array.from({ length: rows }, (_, row) => (row % 2 ? NaN : 0.6 + 0.39 * next()))), corpus: bytes(Float32Array.from({ length: rows }, () => next() * 0.1)),
    words, effect: { why: "", words: "logit difference of the forced answer '7'", target: "7", unit: "nats", estimated: true, agreement: 0.97, compared: 8 },
    estimate: bytes(effects), exact: bytes(effects.map((value, row) => (row < 8 ? value * 0.94 + 0.02 : NaN))), selection: {},
    branches: [{ id: "b0", parent: null, label: "original", answer: "7", p: 0.98, current: true }], comparison: null, stream: {},
    job: { id: 1, state: "done", label: "reading latents", done: 0, total: null, eta: null, message: null, remedy: null }, code: "import cotlens as cl\n\nmodel = cl.load('abacus')\nsae = cl.features.load_sae('abacus')\nfound = cl.features.features(trace, model, sae)\nfound.frame()", selected: {}, alive: true, ...more,
  };
}

const EMPTY = { error: bytes(new Float32Array(0)), latents: bytes(new Uint32Array(0)), bounds: bytes(new Uint32Array(0)), tokens: bytes(new Uint32Array(0)), values: bytes(new Float32Array(0)), labels: [], facts: {}, effect: {}, estimate: bytes(new Float32Array(0)), exact: bytes(new Float32Array(0)) };
const HOSTILE = "<img src=x onerror=\"window.hacked = 1\"><script>window.hacked = 2</script>";
const LONG: Parts = { prompt: "A long question.", thought: Array.from({ length: 900 }, (_, i) => `Step ${i} takes ${i % 7} from ${i + 3}, so ${i} is left.`), answer: "The answer is 7." };

/** State name -> traits of the feature table. */
export const FEATURES: Record<string, () => State> = {
  features: () => table(),
  featurestemplate: () => table({ template: 5 }),
  featuresreading: () => table({ more: { ...EMPTY, job: { id: 1, state: "running", label: "reading latents", done: 3, total: 9, eta: 4, message: null, remedy: null } } }),
  featureschanged: () => table({
    more: {
      branches: [{ id: "b0", parent: null, label: "original", answer: "7", p: 0.98, current: false }, { id: "b1", parent: "b0", label: "without 40503", answer: "8", p: 0.71, current: true }],
      comparison: {
        before: { answer: "7", p: 0.98 }, after: { answer: "8", p: 0.71 }, surprise: null, surprise_was: null,
        rows: [{ answer: "7", before: 0.98, after: 0.21 }, { answer: "8", before: 0.01, after: 0.71 }, { answer: "other", before: 0.01, after: 0.08 }],
        diff: [{ op: "same", text: "He finds 8 more, so 6 + 8 = " }, { op: "del", text: "14" }, { op: "ins", text: "15" }, { op: "same", text: ". He gives away 5" }],
        note: "after: the text written under the change, and its answer scored under it", warning: null,
      },
    },
  }),
  featuresunrun: () => { const state = table(); return { ...state, document: { ...state.document, edit: { kind: "replace" }, rerun_at: 64 } as State["document"] }; },
  featuresselected: () => table({ more: { selection: { first: 62, last: 76 } } }),
  featurespoor: () => table({ poor: 5, more: { facts: { explained: 0.21, l0: 3.1, poor: 0.5, note: "The SAE explains 21% of the variance here: it may belong to another model, hook point or normalisation, and its latents don't tell the story of this trace." } } }),
  featuresnoanswer: () => table({ parts: { ...PARTS, answer: "" }, more: { effect: { why: "The trace has no answer, so no effect can be measured: pass target=.", words: "", target: "", unit: "nats", estimated: false, agreement: null, compared: 0 }, estimate: bytes(new Float32Array(64).fill(NaN)), exact: bytes(new Float32Array(64).fill(NaN)) } }),
  featureserror: () => table({ more: { ...EMPTY, job: { id: 2, state: "error", label: "reading latents", done: 0, total: null, eta: null, message: "There was not enough memory for 2,048 tokens at once.", remedy: "Load the model with memory=." } } }),
  featuresgone: () => table({ more: { alive: false } }),
  featureshostile: () => table({ parts: { ...PARTS, thought: [HOSTILE, "So 7."] }, labels: () => HOSTILE, poor: 0 }),
  featureslarge: () => table({ parts: LONG, rows: 20000, poor: 5 }),
  featuresall: () => table({ parts: LONG, rows: 131072, poor: 5 }),
};
