import assert from "node:assert/strict";
import { test } from "node:test";
import type { Request } from "../editor/state";
import { Store } from "../editor/store";
import type { Piece } from "../kit/protocol";
import { StreamedText } from "../kit/kernel/streamed-text";

const piece = (at: number, text: string, id = 1): Piece => ({ id, source: "d", from: 0, at, text, tokens: 1, limit: 9 });

test("pieces add up to the text, and one that was expected gives way to what came", () => {
  const written = new StreamedText(() => assert.fail("nothing is missing"));
  assert.equal(written.follow(piece(0, "So")).text, "So");
  assert.equal(written.follow(piece(0, "He")).text, "He");
  assert.equal(written.follow(piece(2, " has")).text, "He has");
  assert.equal(written.follow(piece(6, " 7.")).text, "He has 7.");
  assert.equal(written.follow(piece(6, " 7.")).text, "He has 7.");
  assert.equal(written.follow(piece(0, "Then", 2)).text, "Then");
});

test("who came late asks once for the whole, and goes on from it", async () => {
  let asked = 0;
  const written = new StreamedText(() => { asked += 1; });
  assert.equal(written.follow(piece(6, " 7.")).text, "…  7.");
  assert.equal(written.follow(piece(9, " So")).text, "…  7. So");
  await Promise.resolve();
  assert.equal(asked, 1);
  assert.equal(written.follow(piece(0, "He has 7. So")).text, "He has 7. So");
  assert.equal(written.follow(piece(12, " 7.")).text, "He has 7. So 7.");
});

test("who missed a piece asks again", async () => {
  let asked = 0;
  const written = new StreamedText(() => { asked += 1; });
  written.follow(piece(0, "He"));
  assert.equal(written.follow(piece(6, " 7.")).text, "He…  7.");
  await Promise.resolve();
  assert.equal(asked, 1);
  assert.equal(written.follow(piece(0, "He has 7.")).text, "He has 7.");
});

test("who was refused asks again with the next piece, and not before", async () => {
  let asked = 0;
  const written = new StreamedText(() => { asked += 1; });
  written.follow(piece(6, " 7."));
  await Promise.resolve();
  written.refused();
  await Promise.resolve();
  assert.equal(asked, 1);
  assert.equal(written.follow(piece(9, " So")).text, "…  7. So");
  written.follow(piece(12, " 8"));
  await Promise.resolve();
  assert.equal(asked, 2);
  assert.equal(written.follow(piece(0, "He has 7. So 8.")).text, "He has 7. So 8.");
});

test("a view whose request for the text failed sends another", async () => {
  const sent: (Request & { request_id: number })[] = [];
  const store = new Store((message) => sent.push(message));
  store.setPayload({ stream: piece(6, " 7.") });
  await Promise.resolve();
  store.message({ kind: "reply", status: "error", request_id: sent[0]?.request_id, error: { message: "busy" } });
  store.setPayload({ stream: piece(9, " So") });
  await Promise.resolve();
  assert.deepEqual(sent.map(({ kind }) => kind), ["stream", "stream"]);
  store.message({ kind: "reply", status: "ok", request_id: sent[1]?.request_id, stream: piece(0, "He has 7. So") });
  assert.equal(store.payload.stream?.text, "He has 7. So");
});
