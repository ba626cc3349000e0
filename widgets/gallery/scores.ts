/** Scores for the importance map. Texts and figures are invented, and the same every time. */

import { CODE } from "./code";
import { CERTAINTIES } from "../kit/heat/certainty";
import type { Fact, Score, State } from "../importance_map/protocol";
import { bytes, random, tokenise } from "./document";

export const THOUGHT = [
  "Okay, so the school buys 3 boxes of pencils, and each box holds 24 pencils.", "I need to find how many pencils each class gets.",
  "First, the total: 3 * 24 = 72 pencils.", "Then 12 pencils turn out to be broken, so those have to be taken away.", "72 - 12 = 60.",
  "Wait, does the problem say that the broken ones are replaced?", "Let me read it again.", "No, it only says that they are thrown away.",
  "So 60 pencils are left for the classes.", "There are 5 classes, and each gets the same number.", "60 / 5 = 12.",
  "Let me check this another way: 12 pencils for 5 classes is 60, and with the 12 broken ones that makes 72.", "That is 3 boxes of 24, as it should be.",
  "The weather on the day of the delivery does not matter here.", "Therefore each class gets 12 pencils.",
];
const EFFECTS = [0.02, -0.01, 0.21, 0.11, 0.34, -0.26, 0.03, 0.24, 0.05, -0.04, 0.02, -0.01, 0.01, -0.03, NaN];

interface Made { unit?: string; pieces: string[]; blocks: number[]; values: number[]; half: (value: number, i: number) => number; more?: Partial<Score>; missing?: string; facts?: Fact[]; corrected?: (i: number) => boolean; n?: number }

function scoreOf({ unit = "sentence", pieces, blocks, values, half, more = {}, missing = "there is no next sentence to compare with", facts = [], corrected = () => false, n = 100 }: Made): Score {
  const estimate = Float32Array.from(values);
  const spread = estimate.map((value, i) => half(value, i));
  const [low, high] = [estimate.map((value, i) => value - (spread[i] as number)), estimate.map((value, i) => value + (spread[i] as number))];
  const edges = Uint32Array.from([0, ...pieces.map((() => { let at = 0; return (piece: string) => (at += piece.length); })())]);
  const exact = spread.every((each) => !(each > 0));
  const certainty = Uint8Array.from(estimate, (value, i) => CERTAINTIES.indexOf(
    Number.isNaN(value) ? "none" : exact ? "exact" : (low[i] as number) <= 0 && (high[i] as number) >= 0 ? "zero" : corrected(i) ? "corrected" : "clear"));
  const status: Record<string, string> = {};
  estimate.forEach((value, i) => { if (Number.isNaN(value)) status[String(i)] = `not measured: ${missing}`; });
  const largest = (values_: Float32Array): number => values_.reduce((most, value) => (Number.isNaN(value) ? most : Math.max(most, Math.abs(value))), 0.01);
  return {
    label: "Resampling", metric: "accuracy", unit, sign: "+ = supports the answer '12'", zero: "no effect", scale_unit: "probability", signed: true,
    kind: exact ? "exact" : "sampled", edit_type: "on-policy: the sentence is removed and the model writes on", model: "abacus", backend: "local",
    settings: [["rollouts", "100", ""], ["temperature", "0.7", ""]], base: 0, trace: "", scale: largest(estimate), reach: Math.max(largest(estimate), largest(low), largest(high)),
    text: pieces.join(""), edges: bytes(edges), blocks: bytes(Uint32Array.from(blocks)),
    first: bytes(Uint32Array.from(pieces, (_, i) => 30 + 14 * i)), last: bytes(Uint32Array.from(pieces, (_, i) => (unit === "token" ? 31 + 14 * i : 44 + 14 * i))),
    estimate: bytes(estimate), low: bytes(low), high: bytes(high), n: bytes(Uint32Array.from(estimate, (value) => (Number.isNaN(value) ? 0 : exact ? 1 : n))),
    certainty: new DataView(certainty.buffer), status, facts, ...more,
  };
}

function sentences(more: Partial<Made> = {}): Score {
  const q = Float32Array.from(EFFECTS, (value) => Math.min(0.98, 0.004 + Math.exp(-14 * Math.abs(value))));
  return scoreOf({ pieces: THOUGHT, blocks: THOUGHT.map((_, i) => i), values: EFFECTS, half: (value) => 0.13 - 0.05 * Math.abs(value), corrected: (i) => i === 5, facts: [{ name: "q value", numbers: bytes(q) }, { name: "different trajectories", numbers: bytes(Float32Array.from(EFFECTS, (_, i) => 0.2 + 0.05 * (i % 9))) }], ...more });
}

function tokens(thought: string[] = THOUGHT): Score {
  const next = random(11);
  const pieces: string[] = [];
  const blocks: number[] = [];
  thought.forEach((sentence, i) => { blocks.push(pieces.length); pieces.push(...tokenise(i === 0 ? sentence : ` ${sentence}`)); });
  const values = pieces.map((piece, i) => (i === pieces.length - 3 ? NaN : /\d/.test(piece) ? 4 * next() * (i / pieces.length) : /not|No/.test(piece) ? -1.4 * next() : (next() - 0.5) * 0.2));
  return scoreOf({
    unit: "token", pieces, blocks, values, half: () => 0, missing: "cancelled before it was reached",
    more: { label: "Occlusion", metric: "logit difference of '12' to its best rival", scale_unit: "nats", edit_type: "attention-level: hidden from the answer", settings: [["effect", "direct", ""]] },
  });
}

function long(count: number): Score {
  const next = random(5);
  const pieces = Array.from({ length: count }, (_, i) => THOUGHT[Math.floor(next() * THOUGHT.length)] ?? String(i));
  const strong = new Set([12, 13, 57, 140, 141, 402]);
  const values = pieces.map((_, i) => (i % 97 === 31 ? NaN : strong.has(i) ? (i % 2 ? -0.3 : 0.4) : (next() + next() + next() - 1.5) * 0.08));
  return scoreOf({ pieces, blocks: pieces.map((_, i) => i), values, half: () => 0.13, missing: "the answer could not be read in 3 of 20 rollouts" });
}

const CONTEXT = { prompt: "A school buys 3 boxes of 24 pencils. 12 pencils are broken and thrown away. The rest are shared by 5 classes. How many pencils does each class get?", answer: "Each class gets 12 pencils." };
const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\"> and &lt;b&gt;bold&lt;/b&gt;.", "</span></p><svg onload=window.hacked=3>", "Emoji 👩‍👩‍👧 and combining é, then \u202eright to left\u202c."];

function hostile(): Score {
  return scoreOf({ pieces: HOSTILE, blocks: [0, 1, 2, 3], values: [0.3, -0.2, 0.1, NaN], half: () => 0.1, missing: HOSTILE[0] as string, facts: [{ name: HOSTILE[1] as string, words: HOSTILE }],
    more: { label: HOSTILE[0] as string, model: HOSTILE[1] as string, sign: HOSTILE[2] as string } });
}

const shown = (scores: Score[], context: State["context"] = {}): State => ({ scores, context, code: CODE, scale_lock: {}, selected: {} });

/** State name -> traits of the importance map. */
export const SCORES: Record<string, () => State> = {
  map: () => shown([sentences()], CONTEXT),
  mapalone: () => shown([sentences()]),
  maptokens: () => shown([tokens()]),
  mapmany: () => shown([sentences(), tokens(), sentences({ n: 20, half: () => 0.4, more: { label: "Counterfactual" } })], CONTEXT),
  mapnothing: () => shown([sentences({ n: 10, half: () => 0.4 })]),
  mapunsigned: () => shown([sentences({ values: EFFECTS.map(Math.abs), half: (value) => value * 0.6, more: { signed: false, metric: "KL of the answers", sign: "larger = the answers change more", scale_unit: "nats" } })]),
  mapunmeasured: () => shown([sentences({ values: EFFECTS.map(() => NaN), missing: "cancelled before it was reached" })]),
  maplong: () => shown([long(600)]),
  maptokenslong: () => shown([tokens(Array.from({ length: 300 }, (_, i) => THOUGHT[i % THOUGHT.length] as string))]),
  maphostile: () => shown([hostile()], { prompt: HOSTILE[1] as string, answer: HOSTILE[0] as string }),
  mapempty: () => shown([]),
};
