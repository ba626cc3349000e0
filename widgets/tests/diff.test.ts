import assert from "node:assert/strict";
import { test } from "node:test";
import { changedStretch, diff, words } from "../kit/text/diff";

const before = (changes: ReturnType<typeof diff>): string => changes.filter(({ op }) => op !== "ins").map(({ text }) => text).join("");
const after = (changes: ReturnType<typeof diff>): string => changes.filter(({ op }) => op !== "del").map(({ text }) => text).join("");

test("the changed stretch rebuilds the new text", () => {
  for (const [a, b] of [["so 14 - 5", "so 15 - 5"], ["", "x"], ["x", ""], ["aaa", "aa"], ["same", "same"], ["a😀b", "a😁b"], ["😀", "😀😀"]] as const) {
    const { start, endA, endB } = changedStretch(a, b);
    assert.equal(a.slice(0, start) + b.slice(start, endB) + a.slice(endA), b);
    assert.ok(start <= endA && start <= endB);
  }
});

test("the changed stretch never cuts a surrogate pair", () => {
  const { start, endA } = changedStretch("a😀b", "a😁b");
  assert.equal("a😀b".slice(start, endA), "😀");
});

test("words join to the text", () => {
  for (const text of ["He finds 8 more, so 6 + 8 = 14.", "  lead and trail  ", "a\n\nb", "中文 and emoji 😀!", ""]) assert.equal(words(text).join(""), text);
});

test("a difference holds both texts and keeps what is common", () => {
  const cases = [["so 14 - 5 = 9.", "so 15 - 5 = 10."], ["", "new"], ["old", ""], ["a b c d", "a x c y"]] as const;
  for (const [a, b] of cases) {
    const changes = diff(a, b);
    assert.equal(before(changes), a);
    assert.equal(after(changes), b);
  }
  assert.deepEqual(diff("so 14 - 5", "so 15 - 5").map(({ op, text }) => [op, text]), [["same", "so"], ["del", " 14"], ["ins", " 15"], ["same", " - 5"]]);
});

test("a difference too large for its table is one replacement", () => {
  const a = Array.from({ length: 300 }, (_, i) => `a${i}`).join(" ");
  const b = Array.from({ length: 300 }, (_, i) => `b${i}`).join(" ");
  const changes = diff(a, b, 1000);
  assert.deepEqual(changes.map(({ op }) => op), ["del", "ins"]);
  assert.equal(after(changes), b);
});
