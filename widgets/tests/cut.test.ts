import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, shortened } from "../kit/text/cut";
import { trimSame } from "../kit/text/diff";
import { drawable } from "../kit/text/special";
import { beginning } from "../grid/labels";

const FACES = "😀".repeat(50);

test("a text is cut at either end, and no character in half", () => {
  assert.deepEqual([cut("abc", 2), cut("abc", -2), cut("abc", 9), cut("abc", -9), cut("abc", 0)], ["ab", "bc", "abc", "abc", ""]);
  assert.deepEqual([cut("a😀b", 2), cut("a😀b", 3), cut("a😀b", -2), cut("a😀b", -3)], ["a", "a😀", "b", "😀b"]);
  for (let units = -60; units <= 60; units += 1) {
    const kept = cut(FACES, units);
    assert.equal(drawable(kept), kept);
    assert.equal(kept.length, 2 * Math.floor(Math.abs(units) / 2));
  }
  assert.equal(cut("a\ud83d", 2), "a\ud83d", "half a character that stands alone is the text's own");
});

test("what was left out is said", () => {
  assert.deepEqual([shortened("abcd", 4), shortened("abcde", 4), shortened("abc😀e", 4)], ["abcd", "abcd…", "abc…"]);
});

test("a difference, and the beginning of a sentence, keep emoji whole", () => {
  const trimmed = trimSame([{ op: "same", text: FACES }, { op: "ins", text: "b" }, { op: "same", text: FACES }], 7);
  assert.deepEqual(trimmed.map(({ text }) => text), [" … 😀😀😀", "b", "😀😀😀 … "]);
  const paper = { measureText: (text: string) => ({ width: text.length }) as TextMetrics };
  for (let width = 3; width < 20; width += 1) assert.equal(beginning(paper, FACES, width), drawable(beginning(paper, FACES, width)));
});
