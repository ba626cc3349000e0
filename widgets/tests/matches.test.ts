import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "../kit/text/matches";

test("finds every match, whatever the case, none inside another", () => {
  assert.deepEqual(matches("So 5 + 3 = 8. so", "so"), [0, 14]);
  assert.deepEqual(matches("aaaaa", "aa"), [0, 2]);
  assert.deepEqual(matches("abcabcabd", "ABCABD"), [3]);
  assert.deepEqual(matches("any", ""), []);
  assert.deepEqual(matches("", "any"), []);
});

test("nothing that is looked for is a pattern", () => {
  assert.deepEqual(matches("a.b [x] (a|b) $1 \\d", "(a|b)"), [8]);
  assert.deepEqual(matches("a.b", "a?b"), []);
  assert.deepEqual(matches("<b>5</b>", "</B>"), [4]);
});

test("places are those of the text, also beside letters whose lower case is longer", () => {
  const text = "\u0130\u0130 Istanbul \u{1F600} \u00c4rger";
  assert.deepEqual(matches(text, "istanbul"), [text.indexOf("Istanbul")]);
  assert.deepEqual(matches(text, "\u00e4rger"), [text.indexOf("\u00c4rger")]);
});

test("a sigma is found wherever its word ends", () => {
  const [word, longer] = ["\u039f\u0394\u039f\u03a3", "\u039f\u0394\u039f\u03a3\u0391"];
  assert.deepEqual(matches(longer, word), [0]);
  assert.deepEqual(matches(`\u0130 ${longer} ${word}`, word), [2, 8], "also beside letters whose lower case is longer");
  assert.deepEqual(matches("\u03bf\u03b4\u03cc\u03c2 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c2"), [3, 5, 7, 11]);
});

test("agrees with a plain search on texts that repeat themselves", () => {
  let seed = 7;
  const random = (below: number): number => { seed = (seed * 48271) % 2147483647; return seed % below; };
  for (let round = 0; round < 400; round += 1) {
    const word = (length: number): string => Array.from({ length }, () => "ab"[random(2)]).join("");
    const [text, wanted] = [word(40), word(1 + random(5))];
    const plain: number[] = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) plain.push(at);
    assert.deepEqual(matches(text, wanted), plain, `${wanted} in ${text}`);
  }
});

test("time grows with the text and no faster, at its worst", () => {
  const from = performance.now();
  matches("a".repeat(1_600_000), `${"a".repeat(400_000)}b`);
  // Milliseconds, on any machine however busy; comparing every place anew takes hours.
  assert.ok(performance.now() - from < 20_000);
});
