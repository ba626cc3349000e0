import assert from "node:assert/strict";
import { test } from "node:test";
import { trimSame } from "../kit/text/diff";
import { shown } from "../kit/text/special";
import { Actions } from "../editor/actions";
import { blocksOf, MOST_TOKENS } from "../editor/text/blocks";
import { endedBy, unclosedWords } from "../editor/side/endings";
import { Chances, chanceWords } from "../editor/strip/chances";
import { answerOptions, followedWords } from "../editor/shading/choices";
import { surpriseWords } from "../editor/side/comparison";
import { trail } from "../editor/head";
import { decode } from "../editor/payload";
import { bins, tokenAtX, xOf } from "../editor/strip/strip-draw";
import { rows } from "../kit/controls/branch-rows";
import type { BranchInfo, Request } from "../editor/state";
import { Store } from "../editor/store";
import { UNMEASURED } from "../kit/heat/heat";
import { TextModel } from "../kit/text/text";
import { make } from "../gallery/document";

const branch = (id: string, parent: string | null, current = false): BranchInfo => ({ id, parent, label: id, answer: null, p: null, current });

/** An editor on five branches, the middle one shown; `reply` answers the newest request, `show` makes one current. */
function opened() {
  const sent: (Request & { request_id: number })[] = [];
  const store = new Store((message) => sent.push(message));
  const show = (at: number): void => {
    const made = make(`d${at}`, { prompt: "P.", thought: ["Hm.", "So 7."], answer: "7." });
    const branches = [0, 1, 2, 3, 4].map((i) => branch(`b${i}`, null, i === at));
    store.setPayload({ document: made.document, token_offsets: made.offsets, branches });
  };
  show(2);
  const reply = (): void => { store.requests.receive({ kind: "reply", status: "ok", request_id: sent[sent.length - 1]?.request_id }); };
  return { sent, store, actions: new Actions(store), show, reply };
}

test("steps count from where the last one leads, until it is answered", () => {
  const { sent, actions, show, reply } = opened();
  const went = (): string[] => sent.splice(0).map((message) => (message.kind === "goto" ? message.branch : message.kind));
  actions.step(1);
  actions.step(1);
  actions.step(1);
  assert.deepEqual(went(), ["b3", "b4"], "there is nothing after the last");
  actions.step(-1);
  show(3);
  actions.step(-1);
  reply();
  assert.deepEqual(went(), ["b3", "b2"]);
  actions.step(-1);
  assert.deepEqual(went(), ["b2"], "from the one that is shown now");
  const token = actions.thought().first;
  actions.rerun(token);
  actions.step(1);
  assert.deepEqual(went(), ["rerun", "b4"], "what is written is shown instead");
});

test("what is asked of a text carries the id of the document that was seen", () => {
  const { sent, store, actions, show } = opened();
  const token = actions.thought().first;
  actions.goto("b0");
  actions.truncate(token);
  actions.rerun(token);
  actions.branch(token, 5);
  actions.replace(4, 5, "x");
  actions.measure({ measure: "early-answer", unit: "token", metric: null, n: 0, spans: null, target: "", confirmed: false });
  store.inspect(token);
  show(0);
  store.inspect(token);
  const documents = sent.map((message) => ("document" in message ? message.document : null));
  assert.deepEqual(documents, [null, "d2", "d2", "d2", "d2", "d2", "d2", "d0"]);
});

test("what does not fit counts as absent", () => {
  assert.equal(decode("document", {} as never), null);
  assert.equal(decode("loading", { active: false } as never), null);
  assert.equal(decode("token_offsets", undefined).length, 1);
  assert.deepEqual([...decode("shading_values", new DataView(Float32Array.of(1, NaN).buffer))], [1, NaN]);
  // A buffer that starts in the middle of another one and has a broken tail.
  const buffer = new Uint8Array([9, 0, 0, 128, 63, 7]).buffer;
  assert.deepEqual([...decode("logprobs", new DataView(buffer, 1, 5))], [1]);
  assert.equal(decode("job", {} as never).state, "idle");
  assert.equal(decode("alive", undefined), true);
});

test("the trail keeps five branches and always the current one", () => {
  const many = Array.from({ length: 9 }, (_, i) => branch(`b${i}`, null, i === 1));
  assert.deepEqual(trail(many).map(({ id }) => id), ["b1", "b5", "b6", "b7", "b8"]);
  assert.deepEqual(trail(many.slice(0, 3)).map(({ id }) => id), ["b0", "b1", "b2"]);
});

test("the tree stands on its own with unknown parents and cycles", () => {
  const out = rows([branch("a", null), branch("b", "a"), branch("c", "gone"), branch("d", "e"), branch("e", "d")]);
  assert.deepEqual(out.map(({ branch: { id }, depth }) => `${id}${depth}`), ["a0", "b1", "c0", "d0", "e0"]);
});

test("answers at a stop are read off the last point before it", () => {
  const chances = new Chances({ answers: ["7", "9"], positions: "tokens", target: 0, complete: true }, Uint32Array.of(10, 20, 30), Float32Array.of(0.1, 0.6, 0.3, 0.5, 0.4, 0.1, NaN, NaN, NaN));
  assert.equal(chanceWords(chances.ranked(15)), "9 (.60), 7 (.10), other (.30)");
  assert.equal(chanceWords(chances.ranked(20)), "7 (.50), 9 (.40), other (.10)");
  assert.equal(chances.ranked(5)[0]?.answer, "9");
  assert.deepEqual(chances.ranked(30), []);
  assert.deepEqual(chances.others, [1, 2]);
  const unread = new Chances({ answers: ["7", "9"], positions: "tokens", target: null, complete: true }, chances.at, chances.values);
  assert.equal(unread.target, 1);
});

test("what was left out of a curve is a gap, and says how far its last point is", () => {
  const made = (sparse: boolean) => new Chances({ answers: ["7"], positions: "tokens", target: 0, complete: true, sparse }, Uint32Array.of(10, 20, 21, 30), new Float32Array(8).fill(0.5));
  assert.deepEqual([0, 1, 2, 3].map((point) => made(true).gap(point)), [false, true, false, true]);
  assert.deepEqual([10, 15, 21, 29, 30].map((token) => made(true).since(token)), [0, 5, 0, 8, 0]);
  assert.deepEqual([made(false).gap(1), made(false).since(15)], [false, 0]);
});

test("places on the strip and tokens map to each other", () => {
  const range = { first: 40, last: 133 };
  for (let token = range.first; token <= range.last; token += 1) assert.equal(tokenAtX(xOf(token, range, 1090), range, 1090), token);
  assert.equal(tokenAtX(-50, range, 1090), 40);
  assert.equal(tokenAtX(5000, range, 1090), 133);
});

test("bins keep the strongest value and leave the unmeasured alone", () => {
  const levels = Int8Array.of(1, -9, 3, UNMEASURED, UNMEASURED, UNMEASURED, 2, 2);
  assert.deepEqual(bins(levels, { first: 0, last: 8 }, 4).map((cell) => cell.level), [-9, 3, UNMEASURED, 2]);
  assert.equal(bins(levels, { first: 0, last: 8 }, 100).length, 8);
  assert.deepEqual(bins(levels, { first: 0, last: 0 }, 100), []);
});

test("blocks tile the roles, in order, and a long sentence becomes several", () => {
  const made = make("x", { prompt: "P.", thought: ["First one here.", `${"word ".repeat(2000)}end.`, "\n\nLast."], answer: "7." });
  const text = new TextModel(made.document.text, made.offsets, made.document.roles, made.document.sentences);
  const blocks = blocksOf(text, made.document, { promptOpen: false, stream: null, answerNote: "" });
  const tokens = blocks.flatMap((block) => (block.kind === "text" ? Array.from({ length: block.last - block.first }, (_, i) => block.first + i) : []));
  const wanted = (["prompt", "thought", "answer"] as const).flatMap((role) => { const range = text.role(role) as { first: number; last: number }; return Array.from({ length: range.last - range.first }, (_, i) => range.first + i); });
  assert.deepEqual(tokens, wanted);
  assert.ok(blocks.every((block) => block.kind !== "text" || block.last - block.first <= MOST_TOKENS));
});

test("the line of the rewrite splits the sentence it falls into; streaming hides what it replaces", () => {
  const made = make("x", { prompt: "P.", thought: ["He has 14 shells.", "So 7."], answer: "7." });
  const at = made.document.text.indexOf("14") + 2;
  const text = new TextModel(made.document.text, made.offsets, made.document.roles, made.document.sentences);
  const options = { promptOpen: false, stream: null, answerNote: "" };
  const kinds = blocksOf(text, { ...made.document, rewritten_from: at }, options).map((block) => block.kind).join(" ");
  assert.equal(kinds, "label text label text cut text text label text");
  const writing = blocksOf(text, made.document, { ...options, stream: { id: 1, source: "d", at: 0, tokens: 1, limit: 9, from: at, text: " boxes" } }).map((block) => block.kind).join(" ");
  assert.equal(writing, "label text label text cut stream");
});

test("odd documents have words instead of blanks", () => {
  const of = (parts: Parameters<typeof make>[1]): string => {
    const made = make("x", parts);
    const text = new TextModel(made.document.text, made.offsets, made.document.roles, made.document.sentences);
    return blocksOf(text, made.document, { promptOpen: false, stream: null, answerNote: "" }).flatMap((block) => (block.kind === "note" ? block.text : [])).join(" ");
  };
  assert.match(of({ prompt: "P.", thought: [], answer: "7." }), /thought is empty/);
  assert.match(of({ prompt: "P.", thought: ["Hm."], answer: "", closed: false, finish: "length" }), /never closed: it ran into the limit.*did not end/);
});

test("white space that is not shown leaves a mark", () => {
  assert.deepEqual(shown(" He", true, false), { text: "He", mark: "" });
  assert.deepEqual(shown("  He", true, false), { text: "  He", mark: "" });
  assert.deepEqual(shown(".\n\n", false, true), { text: ".", mark: " cotlens-nl" });
  assert.deepEqual(shown("\n", false, false), { text: "\n", mark: " cotlens-midnl" });
  assert.deepEqual(shown(" ", true, false), { text: "", mark: " cotlens-blank" });
  assert.deepEqual(shown("", false, false), { text: "", mark: " cotlens-empty" });
});

test("an edit's surprise is warned about only when it is one", () => {
  const edit = { kind: "replace" as const, at: 0, end: 1, old: "a", new: "b", tokens: 1 };
  assert.equal(surpriseWords(null, { ...edit, surprise: 5.8, surprise_was: 0.4 })?.warn, true);
  assert.equal(surpriseWords(null, { ...edit, surprise: 0.9, surprise_was: 0.4 })?.warn, false);
  assert.equal(surpriseWords(null, { ...edit, surprise: null, surprise_was: null }), null);
});

test("a difference shows what lies around a change", () => {
  const far = "x".repeat(400);
  const trimmed = trimSame([{ op: "same", text: far }, { op: "del", text: "a" }, { op: "same", text: far }], 10);
  assert.deepEqual(trimmed.map(({ text }) => text), [` … ${"x".repeat(10)}`, "a", `${"x".repeat(10)} … `]);
});

test("a chain of branches may be longer than calls can nest", () => {
  const chain = Array.from({ length: 50_000 }, (_, i): BranchInfo => ({ id: `b${i}`, parent: i ? `b${i - 1}` : null, label: "", answer: null, p: null, current: false }));
  const made = rows(chain);
  assert.deepEqual([made.length, made.at(-1)?.depth, made.at(-1)?.branch.id], [50_000, 49_999, "b49999"]);
  const star = chain.map((branch) => ({ ...branch, parent: branch.id === "b0" ? null : "b0" }));
  assert.deepEqual(rows(star).slice(0, 3).map((row) => row.branch.id), ["b0", "b1", "b2"]);
  assert.equal(rows([{ ...chain[0] as BranchInfo, parent: "b1" }, chain[1] as BranchInfo]).length, 2);
});

test("how a text ended is said alike everywhere", () => {
  for (const finish of ["stop", "length", "cancelled", "given"]) {
    const open = { finish, thought_closed: false };
    const [by, why] = [endedBy(open), unclosedWords(finish)];
    assert.equal(/end marker/.test(`${by} ${why}`), false, "nothing says that there was one, and nothing that there was none");
    assert.equal(/inside/.test(by), finish !== "given");
    assert.equal(endedBy({ finish, thought_closed: true }).includes("inside"), false);
  }
  assert.match(unclosedWords("stop"), /the model ended its turn inside it/);
});

test("an answer that stood before an edit is not called the edited text's own", () => {
  const labels = (followed: string, unrun: boolean): string[] => answerOptions(["7", "8"], followed, unrun).map(({ label }) => label);
  assert.deepEqual(labels("", false), ["7, the trace's own", "8"]);
  assert.deepEqual(labels("", true), ["7, of the text before the edit", "8"]);
  assert.deepEqual(answerOptions(["7", "8"], "8", true).map(({ value, on }) => [value, on]), [["", false], ["8", true]]);
  assert.equal(followedWords(["7", "8"], "", false), "answer 7");
  assert.equal(followedWords(["7", "8"], "", true), "answer 7 before the edit");
  assert.equal(followedWords(["7", "8"], "8", true), "answer 8");
  assert.equal(followedWords([], "", true), "");
});

test("what is no number of times, and no limit, is said and not sent", () => {
  const { sent, store, actions } = opened();
  const said = (): string | undefined => { const words = store.own.notice?.message; store.setOwn({ notice: null }); return words; };
  for (const n of [NaN, 0, -1, 2.5, 1001, 1e21, Infinity]) {
    actions.resample(n);
    assert.equal(said(), "Nothing was written: give a whole number of times, 1 to 1,000.", String(n));
  }
  for (const n of [NaN, 0, -3, 2.5, 1e21]) {
    assert.equal(actions.limit(n, 1), false);
    assert.equal(said(), "The limits stay as they are: give a whole number of tokens, at least 1.", String(n));
  }
  for (const temperature of [NaN, -0.1, Infinity]) {
    assert.equal(actions.limit(64, temperature), false);
    assert.equal(said(), "The limits stay as they are: give a temperature of 0 or more.", String(temperature));
  }
  assert.equal(sent.length, 0);
  actions.resample(1000);
  assert.equal(actions.limit(64, 0), true);
  assert.deepEqual(sent.map(({ request_id: _, ...rest }) => rest), [{ kind: "resample", n: 1000, document: "d2" }, { kind: "limits", max_new_tokens: 64, temperature: 0 }]);
  assert.equal(said(), undefined);
});
