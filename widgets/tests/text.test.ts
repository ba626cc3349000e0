import assert from "node:assert/strict";
import { test } from "node:test";
import { bisect, TextModel } from "../kit/text/text";

// "P" prompt | mark | "Hi 😀!" thought | mark | "7" answer; the emoji is two code units and two tokens, the first empty.
const text = "P|Hi 😀!|7";
const offsets = Uint32Array.of(0, 1, 2, 4, 5, 5, 7, 8, 9, 10);
const model = new TextModel(text, offsets, [
  { role: "prompt", start: 0, end: 1 }, { role: "thought", start: 2, end: 8 }, { role: "answer", start: 9, end: 10 },
], [{ start: 2, end: 4, first: 2, last: 3 }, { start: 5, end: 8, first: 4, last: 7 }]);

test("pieces join to the text", () => {
  assert.equal(Array.from({ length: model.count }, (_, i) => model.piece(i)).join(""), text);
  assert.equal(model.piece(4), "");
  assert.equal(model.piece(5), "😀");
});

test("characters find their token, ends included", () => {
  assert.equal(model.tokenAt(0), 0);
  assert.equal(model.tokenAt(5), 5);
  assert.equal(model.tokenAt(6), 5);
  assert.equal(model.tokenAt(99), 8);
  assert.equal(model.tokenFrom(5), 4);
  assert.equal(model.tokenFrom(6), 6);
  assert.equal(model.tokenFrom(10), 9);
});

test("spans cover the tokens they touch", () => {
  assert.deepEqual(model.covering(5, 7), { first: 5, last: 6 });
  assert.deepEqual(model.covering(3, 6), { first: 2, last: 6 });
  assert.deepEqual(model.covering(4, 4), { first: 3, last: 3 });
});

test("roles and sentences", () => {
  assert.deepEqual(model.role("thought"), { first: 2, last: 7 });
  assert.equal(model.roleOf(1), null);
  assert.equal(model.roleOf(8), "answer");
  assert.equal(model.sentenceOf(0), -1);
  assert.equal(model.sentenceOf(3), 0);
  assert.equal(model.sentenceOf(6), 1);
  assert.deepEqual(model.sentenceTokens(0), { first: 2, last: 4 });
  assert.deepEqual(model.sentenceTokens(1), { first: 4, last: 7 });
});

test("an empty thought is a place without tokens", () => {
  const empty = new TextModel("P||7", Uint32Array.of(0, 1, 2, 3, 4), [{ role: "thought", start: 2, end: 2 }]);
  assert.deepEqual(empty.role("thought"), { first: 2, last: 2 });
  assert.equal(empty.sentenceOf(2), -1);
});

test("bisect agrees with a plain search", () => {
  for (let wanted = -1; wanted < 12; wanted += 1) {
    let plain = -1;
    offsets.forEach((value, i) => { if (value <= wanted) plain = i; });
    assert.equal(bisect(offsets, wanted), plain);
  }
});

test("what a view draws has what belongs to no role blotted out in its place", () => {
  const text = "<u>ask</u><t>think</t>say";
  const at = (word: string): { start: number; end: number } => ({ start: text.indexOf(word), end: text.indexOf(word) + word.length });
  const model = new TextModel(text, Uint32Array.of(0, text.length), [{ role: "thought", ...at("think") }, { role: "prompt", ...at("ask") }, { role: "answer", ...at("say") }]);
  const { drawn } = model;
  assert.equal(drawn.length, text.length);
  assert.equal(drawn.replaceAll("\u0000", "."), "...ask.......think....say");
  assert.equal(new TextModel(text, Uint32Array.of(0, text.length)).drawn, text);
});
