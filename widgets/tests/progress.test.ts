import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, farWords } from "../kit/controls/progress";

const job = { done: 0, total: null, eta: null };

test("work that counts says so, and writing counts its tokens", () => {
  assert.equal(farWords({ ...job, done: 1003, total: 2000 }, null), " · 1,003 of 2,000");
  assert.equal(farWords(job, { tokens: 1012, limit: 4000 }), " · 1,012 of 4,000 tokens");
  assert.equal(farWords(job, { tokens: 0, limit: 1 }), " · 0 of 1 token");
  assert.equal(farWords({ ...job, done: 2, total: 5 }, { tokens: 12, limit: 40 }), " · 2 of 5", "many texts, each written anew");
  assert.equal(farWords(job, null), "");
  assert.deepEqual(counted(job, { tokens: 12, limit: 40 }), { done: 12, total: 40, eta: null });
  assert.deepEqual(counted({ ...job, done: 2, total: 5 }, { tokens: 12, limit: 40 }), { done: 2, total: 5, eta: null });
  assert.deepEqual(counted(job, null), job);
});
