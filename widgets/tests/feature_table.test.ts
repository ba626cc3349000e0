import assert from "node:assert/strict";
import { test } from "node:test";
import { Latents, type Filter } from "../feature_table/model";
import { percent } from "../feature_table/rows";
import { make } from "../gallery/document";
import type { State } from "../feature_table/protocol";
import { unrunWords } from "../feature_table/text";
import { TextModel } from "../kit/text/text";

const bytes = (values: Float32Array | Uint32Array | Uint8Array): DataView => new DataView(values.buffer, values.byteOffset, values.byteLength);
const TEXT = new TextModel("abcdef", Uint32Array.from([0, 1, 2, 3, 4, 5, 6]));
/** Three latents over six tokens; token 3 is reconstructed poorly. */
const STATE: Partial<State> = {
  latents: bytes(Uint32Array.from([10, 207, 3])), bounds: bytes(Uint32Array.from([0, 2, 4, 5])),
  tokens: bytes(Uint32Array.from([1, 3, 2, 5, 3])), values: bytes(Float32Array.from([1, 9, 2, 4, 7])),
  error: bytes(Float32Array.from([NaN, 0.1, 0.1, 0.8, 0.1, 0.1])), facts: { explained: 0.9, l0: 1, poor: 0.5, note: "" },
  labels: ["Sum", "", "carry"], origins: bytes(Uint8Array.from([1, 0, 3])), scores: bytes(new Float32Array(3)), corpus: bytes(new Float32Array(3)),
};
const latentsOf = (blank = true): Latents => new Latents((key) => STATE[key] as never, TEXT, blank);
const NONE = { estimate: Float32Array.from([0.5, -2, NaN]), exact: Float32Array.from([NaN, NaN, 1]) };
const ALL: Filter = { query: "", which: "all", pinned: new Set(), hidden: new Set(), folded: false };

test("a latent's story is not told where the SAE can't reconstruct", () => {
  const latents = latentsOf();
  assert.deepEqual([...latents.max], [1, 4, NaN]);
  assert.deepEqual([...latents.mean].map((value) => Number(value.toFixed(3))), [0.25, 1.5, 0]);
  assert.ok(Number.isNaN(latents.along(0)[3]));
  assert.deepEqual([...latentsOf(false).max], [9, 4, 7]);
  assert.equal(latentsOf(false).along(0)[3], 9);
});

test("a selection gives the largest activation in it", () => {
  const latents = latentsOf();
  latents.select({ first: 2, last: 4 });
  assert.deepEqual([...latents.here], [NaN, 2, NaN]);
  latents.select({ first: 0, last: 2 });
  assert.deepEqual([...latents.here], [1, 0, 0]);
  assert.deepEqual([...latents.ordered("here", true, ALL, true, NONE)], [0], "only what is active there");
});

test("sorting puts the unknown last, and pinned latents first", () => {
  const latents = latentsOf();
  latents.select(null);
  assert.deepEqual([...latents.ordered("estimate", true, ALL, false, NONE)], [1, 0, 2]);
  assert.deepEqual([...latents.ordered("estimate", false, ALL, false, NONE)], [0, 1, 2]);
  assert.deepEqual([...latents.ordered("exact", true, ALL, false, NONE)], [2, 0, 1]);
  assert.deepEqual([...latents.ordered("label", false, ALL, false, NONE)], [2, 0, 1], "no label comes last");
  assert.deepEqual([...latents.ordered("label", true, ALL, false, NONE)], [0, 2, 1]);
  assert.deepEqual([...latents.ordered("estimate", true, { ...ALL, pinned: new Set([3]) }, false, NONE)], [2, 1, 0]);
});

test("search finds labels, numbers and tokens; hidden latents are elsewhere", () => {
  const latents = latentsOf();
  const found = (filter: Partial<Filter>): number[] => [...latents.ordered("latent", false, { ...ALL, ...filter }, false, NONE)];
  assert.deepEqual(found({ query: "SUM" }), [0]);
  assert.deepEqual(found({ query: "20" }), [1]);
  assert.deepEqual(found({ query: "f" }), [1], "fires on the token f");
  assert.deepEqual(found({ which: "unlabelled" }), [1]);
  assert.deepEqual(found({ hidden: new Set([10]) }), [2, 1]);
  assert.deepEqual(found({ hidden: new Set([10]), which: "hidden" }), [0]);
});

test("payloads that don't fit count as absent", () => {
  const broken = new Latents((key) => (key === "labels" ? [] : key === "bounds" ? bytes(new Uint32Array(1)) : STATE[key]) as never, TEXT, true);
  assert.deepEqual(broken.labels, ["", "", ""]);
  assert.equal(broken.along(0)[1], 0);
});

test("shares are percent", () => {
  assert.deepEqual([percent(0.0092), percent(0.118), percent(NaN)], ["0.9 %", "12 %", "—"]);
});

test("a latent of the template is told from one of the text, and stands last by contrast", () => {
  const roles = [{ role: "prompt" as const, start: 1, end: 2 }, { role: "thought" as const, start: 2, end: 4 }, { role: "answer" as const, start: 5, end: 6 }];
  const text = new TextModel("abcdef", Uint32Array.from([0, 1, 2, 3, 4, 5, 6]), roles);
  const state: Partial<State> = { ...STATE, facts: {}, tokens: bytes(Uint32Array.from([0, 4, 2, 5, 1])), values: bytes(Float32Array.from([90, 90, 2, 4, 7])) };
  const latents = new Latents((key) => state[key] as never, text, true);
  assert.deepEqual([...latents.template], [1, 0, 0]);
  latents.select(null);
  assert.deepEqual([...latents.ordered("contrast", true, ALL, false, NONE)], [1, 2, 0], "4 written tokens against two others");
  assert.deepEqual([...latents.ordered("contrast", true, { ...ALL, folded: true }, false, NONE)], [1, 2]);
  assert.deepEqual([...latents.ordered("contrast", true, { ...ALL, folded: true, pinned: new Set([10]) }, false, NONE)], [0, 1, 2]);
  assert.equal(latentsOf().templateCount, 0, "without roles nothing is a template");
});

test("a text that awaits its rerun says whose it is", () => {
  const { document } = make("d", { prompt: "", thought: [], answer: "" });
  const edit = { at: 0, end: 0, old: "", new: "", surprise: null, surprise_was: null, tokens: 0 };
  assert.equal(unrunWords(null), "");
  assert.equal(unrunWords({ ...document, edit: null, rerun_at: null }), "");
  assert.equal(unrunWords({ ...document, edit: { ...edit, kind: "replace" }, rerun_at: 0 }), "Edited and not rerun: from token 0 on this is the text before the edit, and so is its answer.");
  assert.equal(unrunWords({ ...document, edit: { ...edit, kind: "truncate" }, rerun_at: 40 }), "The thought was cut and not rerun: the model has not gone on from there.");
});
