import assert from "node:assert/strict";
import { test } from "node:test";
import { ROLLOUTS } from "../gallery/rollouts";
import { Model } from "../rollout_map/model";
import type { Prompt, Rollouts } from "../rollout_map/protocol";
import { boxesOf } from "../rollout_map/tree";

const modelOf = (state: string): Model => {
  const found = ROLLOUTS[state]?.();
  assert.ok(found);
  return new Model(found.rollouts as Rollouts, found.prompts);
};
const ALL = { query: "", sort: "given", prompt: 0, node: null, group: null } as const;
const rows = (model: Model, wanted: Parameters<Model["lines"]>[0]): number[] => model.lines(wanted).flatMap((line) => (line.row === null ? [] : [line.row]));

test("every rollout stands once, under its answer; the unread are a group", () => {
  const model = modelOf("rollouts");
  const lines = model.lines(ALL);
  assert.deepEqual(rows(model, ALL).sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
  for (const line of lines) if (line.row !== null) assert.equal(model.group[line.row], line.group);
  assert.equal(model.answer(2), "answer not read");
  assert.equal(lines.filter((line) => line.row === null).length, 3);
});

test("rows are filtered by answer, prefix and search, and sorted within their group", () => {
  const model = modelOf("rollouts");
  assert.deepEqual(rows(model, { ...ALL, node: 3 }), Array.from({ length: 60 }, (_, i) => i).filter((row) => row % 5 === 4));
  assert.deepEqual(rows(model, { ...ALL, group: 2 }).filter((row) => model.group[row] !== 2), []);
  const lengths = rows(model, { ...ALL, group: 0, sort: "length" }).map((row) => model.sentences(row));
  assert.deepEqual(lengths, [...lengths].sort((a, b) => b - a));
  assert.deepEqual(rows(model, { ...ALL, query: "NUMBER 7." }).every((row) => model.text(row).includes("number 7.")), true);
  assert.deepEqual(rows(model, { ...ALL, query: "zebra" }), []);
});

test("what is searched is found in its sentence, or in the answer alone", () => {
  const model = modelOf("rollouts");
  const found = model.found(0, "12 + 7");
  assert.ok(found && found.size > 0);
  for (const sentence of found) assert.match(model.sentence({ row: 0, sentence }), /12 \+ 7/);
});

test("two rollouts part where their texts first differ", () => {
  const model = modelOf("rollouts");
  const at = model.parting(0, 1);
  assert.equal(model.text(0).slice(0, at), model.text(1).slice(0, at));
  assert.notEqual(model.text(0)[at], model.text(1)[at]);
  assert.equal(model.parting(3, 3), model.text(3).length);
});

test("a sentence is found by its column and by a character", () => {
  const model = modelOf("rollouts");
  for (let each = 0; each < model.sentences(5); each += 1) {
    const at = model.at(5) + each;
    assert.equal(model.inColumn(5, model.column[at] as number), each);
    assert.equal(model.sentenceAt(5, model.start[at] as number), each);
  }
});

test("prefixes stand in their parent's height, by their share", () => {
  const tree = modelOf("rollouts").tree(0);
  const boxes = boxesOf(tree, 1000, 100);
  tree.forEach((node, i) => {
    const [box, parent] = [boxes[i], boxes[node.parent]];
    assert.ok(box);
    assert.ok(Math.abs(box.tall - (node.rows.length / 60) * 100) < 1e-9);
    if (parent) assert.ok(box.y >= parent.y && box.y + box.tall <= parent.y + parent.tall + 1e-9 && box.x >= parent.x + parent.wide - 1e-9);
  });
});

test("nothing arrived is nothing shown", () => {
  const model = new Model(null, []);
  assert.deepEqual([model.count, model.lines(ALL)], [0, []]);
});

test("what is compared is of one prompt", () => {
  const model = modelOf("rolloutsasked");
  const all = model.lines({ ...ALL, prompt: null });
  assert.equal(all.length, 90 + 9);
  for (const { group, row } of all) if (row !== null) assert.deepEqual([model.group[row], model.groups[group]?.prompt], [group, row % 3]);
  for (const [group, { prompt, n, of }] of model.groups.entries()) assert.deepEqual([all.filter((line) => line.row !== null && line.group === group).length, of, prompt], [n, 30, Math.floor(group / 3)]);
  assert.deepEqual(model.tree(null), []);
  assert.ok(rows(model, { ...ALL, prompt: 1 }).every((row) => row % 3 === 1));
  assert.ok(model.tree(2).every((node) => node.rows.every((row) => row % 3 === 2)));
  assert.equal(rows(model, { ...ALL, prompt: 2, node: 3 }).length, model.tree(2)[3]?.rows.length);
});

test("the nearest sentence stands in the column or closest to it", () => {
  const model = modelOf("rollouts");
  for (let column = 0; column < 18; column += 1) {
    const far = (each: number): number => Math.abs((model.column[model.at(5) + each] as number) - column);
    const nearest = model.nearest(5, column);
    for (let each = 0; each < model.sentences(5); each += 1) assert.ok(far(nearest) <= far(each));
  }
});

test("that answers shift nowhere is said only where it was tested", () => {
  const found = ROLLOUTS["rollouts"]?.();
  assert.ok(found);
  const of = (change: (prompt: Prompt) => Partial<Prompt>): string =>
    new Model(found.rollouts as Rollouts, found.prompts.map((one: Prompt) => ({ ...one, ...change(one) }))).unshifted(0);
  assert.match(of(({ tree }) => ({ tree: tree.map((node) => ({ ...node, shifts: false })) })), /at none by more than chance/);
  assert.match(of(({ tree }) => ({ tree: tree.map((node) => ({ ...node, shift: null, q: null, shifts: false })) })), /^Too few rollouts/);
  assert.match(of(({ groups }) => ({ groups: groups.map((group) => ({ ...group, answer: null })) })), /^No answer was read/);
});
