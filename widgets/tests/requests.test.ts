import assert from "node:assert/strict";
import { test } from "node:test";
import type { Request } from "../editor/state";
import { Requests, type Reply } from "../kit/kernel/requests";

test("requests rise, the newest of a kind wins, stale and foreign replies are dropped", () => {
  const sent: number[] = [];
  const heard: string[] = [];
  const requests = new Requests<Request>((message) => sent.push(message.request_id), () => heard.push("failed"));
  const first = requests.ask({ kind: "inspect", document: "d", token: 1 }, () => heard.push("first"));
  const second = requests.ask({ kind: "inspect", document: "d", token: 2 }, (reply) => heard.push(`second ${reply.status}`));
  const other = requests.ask({ kind: "rerun", document: "d", token: 2 }, () => heard.push("other"));
  assert.ok(first < second && second < other);
  const reply = (request_id: number, status: Reply["status"]): Reply => ({ request_id, kind: "reply", status });
  assert.equal(requests.receive(reply(first, "ok")), false);
  assert.equal(requests.receive(reply(second, "progress")), true);
  assert.equal(requests.receive(reply(second, "ok")), true);
  assert.equal(requests.receive(reply(second, "ok")), false);
  assert.equal(requests.receive(reply(other, "error")), true);
  assert.equal(requests.receive("noise"), false);
  assert.deepEqual(heard, ["second progress", "second ok", "failed", "other"]);
  assert.equal(requests.silence(), 0);
});

test("silence is counted until anything is heard", () => {
  const requests = new Requests<Request>(() => {}, () => {});
  requests.ask({ kind: "inspect", document: "d", token: 1 });
  assert.ok(requests.silence(Date.now() + 5000) >= 5000);
  requests.heard();
  assert.equal(requests.silence(Date.now() + 5000), 0);
});

test("a kind waits until its newest request is answered", () => {
  const sent: number[] = [];
  const requests = new Requests<Request>((message) => sent.push(message.request_id), () => {});
  requests.ask({ kind: "goto", branch: "b0" });
  requests.ask({ kind: "goto", branch: "b1" });
  for (const id of sent) {
    assert.ok(requests.waits("goto") && !requests.waits("rerun"));
    requests.receive({ kind: "reply", status: "ok", request_id: id });
  }
  assert.ok(!requests.waits("goto"));
});
