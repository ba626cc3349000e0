import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted } from "../kit/numbers";
import { drawable, shown, SPECIAL, spokenPiece } from "../kit/text/special";

test("what would reorder or hide text is drawn as a sign", () => {
  assert.equal(drawable("it is \u202e91\u202c."), "it is [RLO]91[PDF].");
  assert.equal(drawable("a\u200bb\u2060c\ufeffd\u00ade"), "a[ZWSP]b[WJ]c[BOM]d[SHY]e");
  assert.equal(drawable("\u0000\u001b[31m\u007f\u0085"), "␀␛[31m[DEL][U+0085]");
  assert.equal(drawable("x\u{e0041}\u{e0020}y"), "x[TAG A][TAG  ]y");
  assert.equal(drawable("\ud800"), "[U+D800]");
  assert.equal(drawable("1\u200d9"), "1[ZWJ]9");
});

test("what shapes the character before it is kept", () => {
  for (const text of ["👩\u200d🔬", "❤\ufe0f", "👍🏽", "1\ufe0f\u20e3", "می\u200cخواهم", "क्\u200dष", "plain\ttext\nin lines", "答え", "שלום"]) assert.equal(drawable(text), text);
  assert.equal(drawable("\u200d"), "[ZWJ]", "alone it would be a token of no width");
  assert.equal(drawable("pass\u200dword"), "pass[ZWJ]word", "between Latin letters it does nothing but hide");
});

test("no special character is left in what is drawn, nor in what is quoted", () => {
  for (let code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 7) {
    const char = String.fromCodePoint(code);
    assert.ok(!SPECIAL.test(drawable(char)) && !SPECIAL.test(quoted(char)), code.toString(16));
    assert.notEqual(drawable(char), "");
  }
});

test("long runs of white space take time in proportion", () => {
  const begin = performance.now();
  for (const part of ["\n", " ", "\n ", "\u200b"]) shown(`${part.repeat(400_000)}x`, true, true);
  // Milliseconds, on any machine however busy; what goes with the square takes minutes.
  assert.ok(performance.now() - begin < 20_000);
});

test("a piece of text is called what is seen of it, or what it is", () => {
  assert.equal(spokenPiece("\ufeff"), "[BOM]", "drawn, though it counts as white space");
  assert.equal(spokenPiece(" seven\n"), "seven");
  assert.equal(spokenPiece(" \n"), "white space");
  assert.equal(spokenPiece(""), "part of a character", "the rest of it is in a neighbour");
});
