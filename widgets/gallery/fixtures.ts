/** A payload for every state of the editor. All figures are invented. */

import type { State, Measure, Shading } from "../editor/state";
import { bytes, editAt, make, random, type Made, type Parts } from "./document";

const PROMPT = "Ravi has 6 shells. He finds 8 more shells on the beach. It is a sunny day. He gives away 5 shells. Then he loses 2 shells. How many shells does Ravi have?";
const THOUGHT = [
  "Okay, let me work through this.", "Ravi starts with 6 shells.", "He finds 8 more, so 6 + 8 = 14.",
  "It is sunny, but that does not matter.", "He gives away 5, so 14 - 5 = 9.", "Wait, let me check: 9 is right.",
  "He loses 2, so 9 - 2 = 7.", "So the answer is 7.",
];
const EDITED = [...THOUGHT.slice(0, 4), "He gives away 5, so 15 - 5 = 10.", "Wait, let me check: 10 is right.", "He loses 2, so 10 - 2 = 8.", "So the answer is 8."];

const METRICS = [{ id: "logit_difference", label: "logit difference" }, { id: "log_probability", label: "log-probability" }, { id: "probability", label: "probability" }];
export const MEASURES: Measure[] = [
  { id: "early_answer", label: "Early answer", units: ["token", "sentence"], metrics: METRICS, available: true, reason: null, cost: "one forward pass, about 0.1 s" },
  { id: "occlusion_direct", label: "Occlusion, direct effect", units: ["token", "sentence"], metrics: METRICS, available: true, reason: null, cost: "one packed pass, about 0.3 s" },
  { id: "occlusion_total", label: "Occlusion, total effect", units: ["token", "sentence"], metrics: METRICS, available: true, reason: null, cost: "one packed pass, about 0.5 s" },
  { id: "gradient", label: "Gradient", units: ["token"], metrics: [], available: false, reason: "it needs gradients, which vLLM does not give.", cost: null },
];

function shadingOf(unit: "token" | "sentence", sampled: boolean, complete = true): Shading {
  return {
    measure: "occlusion_direct", unit, label: "change of log p(“8”) when hidden", scale: 2.1, scale_note: "98th percentile",
    sign: "orange supports the answer", zero: "no effect", scale_unit: "nats", signed: true, spans: unit,
    kind: sampled ? "sampled" : "exact", edit_type: "hidden from the answer (direct)", complete,
  };
}

function blank(): State {
  return {
    head: { model: "abacus", where: "local · CPU", note: "Scores come from one packed pass; it agrees with plain passes to 2e-6 on this model." },
    loading: {}, branches: [], document: {}, token_offsets: bytes(new Uint32Array(1)), logprobs: bytes(new Float32Array(0)),
    measures: MEASURES, selection: { measure: null, unit: "token", metric: null }, shading: {}, shading_values: bytes(new Float32Array(0)),
    shading_low: bytes(new Float32Array(0)), shading_high: bytes(new Float32Array(0)), shading_status: {}, strip: {},
    strip_at: bytes(new Uint32Array(0)), strip_values: bytes(new Float32Array(0)), comparison: null, job: {}, stream: {}, code: "", alive: true,
  };
}

function withDocument(made: Made, answer: string | null = "7", p: number | null = 0.97): State {
  const next = random(made.document.n_tokens);
  const logprobs = Float32Array.from({ length: made.document.n_tokens }, () => Math.log(next() < 0.75 ? 0.9 + 0.1 * next() : 0.003 + 0.9 * next()));
  return {
    ...blank(), document: made.document, token_offsets: bytes(made.offsets), logprobs: bytes(logprobs),
    branches: [{ id: "b0", parent: null, label: "original", answer, p, current: true }],
    code: 'import cotlens as cl\n\nmodel = cl.load("abacus")\ntrace = model.reason("Ravi has 6 shells. …", seed=0)',
  };
}

/** Values with a few strong tokens (numbers) among weak ones; `upTo` leaves the rest unmeasured. */
function shaded(state: State, made: Made, unit: "token" | "sentence", sampled = false, upTo = 1): State {
  const next = random(7);
  const { document, thought, offsets } = made;
  const one = (text: string, place: number): number => (/\d/.test(text) ? (0.3 + 2 * place) * (0.4 + next()) : /not|sunny/.test(text) ? -0.7 : (next() - 0.45) * 0.24);
  const count = unit === "token" ? document.n_tokens : document.sentences.length;
  const values = new Float32Array(count).fill(NaN);
  const until = unit === "token" ? thought.first + Math.floor((thought.last - thought.first) * upTo) : Math.floor(count * upTo);
  for (let i = unit === "token" ? thought.first : 0; i < until; i += 1) {
    const sentence = document.sentences[i];
    const text = unit === "token" ? document.text.slice(offsets[i], offsets[i + 1]) : document.text.slice(sentence?.start, sentence?.end);
    values[i] = one(text, unit === "token" ? (i - thought.first) / (thought.last - thought.first) : i / count);
  }
  const status: Record<string, string> = {};
  if (unit === "sentence" && sampled && count > 5) { values[5] = NaN; status["5"] = "the answer could not be read in 3 of 20 rollouts"; }
  const spread = values.map((value) => 0.18 + 0.25 * Math.abs(value));
  return {
    ...state, shading: shadingOf(unit, sampled, upTo === 1), selection: { measure: "occlusion_direct", unit, metric: "log_probability" },
    shading_values: bytes(values), shading_status: status,
    shading_low: bytes(sampled ? values.map((value, i) => value - (spread[i] as number)) : new Float32Array(0)),
    shading_high: bytes(sampled ? values.map((value, i) => value + (spread[i] as number)) : new Float32Array(0)),
    code: `${state.code}\nresult = cl.Occlusion(effect="direct", unit="${unit}").run(model, trace)\nresult.frame()`,
  };
}

function stripped(state: State, made: Made, answers: string[], target: number): State {
  const { first, last } = made.thought;
  const points = last - first + 1;
  const values = new Float32Array(points * (answers.length + 1));
  for (let point = 0; point < points; point += 1) {
    const x = point / Math.max(1, points - 1);
    const sure = 1 / (1 + Math.exp(-18 * (x - 0.74)));
    const raw = answers.map((_, i) => (i === target ? 0.05 + 0.93 * sure : (1 - sure) * (i === 1 ? 0.3 + 0.1 * Math.sin(point / 4) : 0.5 / (i + 2))));
    const sum = raw.reduce((a, b) => a + b, 0);
    const scale = Math.max(1, sum / 0.995);
    raw.forEach((value, i) => { values[point * (answers.length + 1) + i] = value / scale; });
    values[point * (answers.length + 1) + answers.length] = 1 - sum / scale;
  }
  return {
    ...state, strip: { answers, positions: "tokens", target, complete: true },
    strip_at: bytes(Uint32Array.from({ length: points }, (_, i) => first + i)), strip_values: bytes(values),
  };
}

const plain = (parts: Partial<Parts> = {}, more = {}): Made => make("d0", { prompt: PROMPT, thought: THOUGHT, answer: "Ravi has 7 shells.", ...parts }, more);

function full(): { state: State; made: Made } {
  const made = plain();
  return { made, state: stripped(shaded(withDocument(made), made, "token"), made, ["7", "9", "14", "6"], 0) };
}

function branch(): State {
  const made = make("d1", { prompt: PROMPT, thought: EDITED, answer: "Ravi has 8 shells." });
  made.document.edit = editAt(made, "15", "14");
  made.document.rewritten_from = made.document.edit.end;
  const state = stripped(shaded(withDocument(made, "8", 0.91), made, "token"), made, ["8", "7", "9", "10"], 0);
  state.branches = [
    { id: "b0", parent: null, label: "original", answer: "7", p: 0.97, current: false },
    { id: "b1", parent: "b0", label: "14 → 15 at #4", answer: "8", p: 0.91, current: true },
    { id: "b2", parent: "b1", label: "cut at #6", answer: "9", p: 0.44, current: false },
  ];
  state.comparison = {
    before: { answer: "7", p: 0.97 }, after: { answer: "8", p: 0.91 },
    rows: [{ answer: "7", before: 0.97, after: 0.06 }, { answer: "8", before: 0.02, after: 0.91 }, { answer: "other", before: 0.01, after: 0.03 }],
    diff: [
      { op: "same", text: "He gives away 5, so " }, { op: "del", text: "14" }, { op: "ins", text: "15" }, { op: "same", text: " - 5 = " },
      { op: "del", text: "9" }, { op: "ins", text: "10" }, { op: "same", text: ". Wait, let me check: " }, { op: "del", text: "9" }, { op: "ins", text: "10" }, { op: "same", text: " is right." },
    ],
    surprise: 5.81, surprise_was: 0.41, warning: null,
  };
  return state;
}

function truncated(): State {
  const made = make("d2", { prompt: PROMPT, thought: THOUGHT.slice(0, 4), answer: "Ravi has 14 shells." });
  const end = made.document.roles[1]?.end ?? 0;
  made.document.edit = { kind: "truncate", at: end, end, old: ` ${THOUGHT.slice(4).join(" ")}`, new: "", surprise: null, surprise_was: null, tokens: 0 };
  made.document.rewritten_from = end + 8;
  const state = stripped(shaded(withDocument(made, "14", 0.52), made, "token"), made, ["14", "7", "9"], 0);
  state.branches = [{ id: "b0", parent: null, label: "original", answer: "7", p: 0.97, current: false }, { id: "b1", parent: "b0", label: "cut at #4", answer: "14", p: 0.52, current: true }];
  return state;
}

function long(tokens: number, oneLine = false): State {
  const words = ["He finds 8 more, so 6 + 8 = 14.", "Wait, let me check that again before going on.", "It is sunny, but that does not matter.", "Then 14 - 5 = 9, which leaves the other shells as they were.", "\n\nNow the second part: suppose that each box holds 12 shells and that 3 boxes are opened."];
  const next = random(3);
  const thought: string[] = [];
  let size = 0;
  while (size < tokens) {
    const sentence = words[Math.floor(next() * words.length)] as string;
    thought.push(sentence);
    size += sentence.length / 3.4;
  }
  const made = plain(oneLine ? { thought: [thought.join(" ").replace(/[.\n]/g, ",").slice(0, 10000)] } : { thought });
  return stripped(shaded(withDocument(made), made, "token"), made, ["7", "9", "14", "6"], 0);
}

const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\"> and &lt;b&gt;bold&lt;/b&gt;.", "</span></p><svg onload=window.hacked=3>", "Emoji 👩‍👩‍👧 and combining é, then \u202eright to left\u202c."];

function many(): State {
  const { state } = full();
  state.branches = Array.from({ length: 9 }, (_, i) => ({ id: `b${i}`, parent: i === 0 ? null : `b${Math.max(0, i - 1 - (i % 3))}`, label: i === 0 ? "original" : `“ 14” → “ 1${i}” at #${i}`, answer: i === 4 ? null : String(i), p: i === 4 ? null : 0.1 * i, current: i === 6 }));
  return state;
}

const running = { id: "j1", state: "running" as const, label: "occlusion", done: 86, total: 93, eta: 3.2, message: null, remedy: null };

/** State name -> payload; functions, because the long ones take time to make. */
export const STATES: Record<string, () => State> = {
  loading: () => ({ ...blank(), loading: { active: true, label: "Qwen/Qwen3-0.6B: weights, 1.2 GB", since: Date.now() / 1000 - 12 } }),
  first: () => withDocument(plain()),
  shaded: () => full().state,
  sentence: () => { const made = plain(); return stripped(shaded(withDocument(made), made, "sentence", true), made, ["7", "9", "14", "6"], 0); },
  branch,
  branches: many,
  truncated,
  running: () => { const { made } = full(); return { ...shaded(withDocument(made), made, "token", false, 0.7), job: running }; },
  cancelled: () => { const { made } = full(); return { ...shaded(withDocument(made), made, "token", false, 0.45), job: { ...running, state: "cancelled", done: 42 } }; },
  error: () => ({ ...full().state, job: { ...running, state: "error", message: "Out of memory: 93 branches of 240 tokens did not fit beside the model.", remedy: "Close other notebooks, or load the model with memory_budget=\"2GB\"." } }),
  streaming: () => {
    const made = plain();
    const edit = made.document.sentences[4]?.end ?? 0;
    return { ...withDocument(made), stream: { request_id: 1, from: edit, text: " Wait, let me check: 10 is right. He loses 2, so 10" }, job: { ...running, label: "writing", done: 18, total: null, eta: null } };
  },
  gone: () => ({ ...full().state, alive: false }),
  empty: () => withDocument(plain({ thought: [], answer: "Ravi has 12 shells." }), "12", 0.31),
  unclosed: () => withDocument(plain({ answer: "", closed: false, finish: "length" }), null, null),
  unreadable: () => withDocument(plain({ answer: "I would rather not say how many shells there are.", notes: ["No number could be read from the answer. Give the trace another reader: trace.with_reader(Regex(...))."] }), null, null),
  impossible: () => ({ ...withDocument(plain()), measures: MEASURES.map((measure) => ({ ...measure, available: measure.id === "early_answer" })).reverse(), selection: { measure: "gradient", unit: "token", metric: null } }),
  unsigned: () => { const { state } = full(); return { ...state, shading: { ...shadingOf("token", false), signed: false, label: "surprise of the token", sign: "darker is more surprising", zero: "0 = certain" } }; },
  hostile: () => { const made = plain({ prompt: HOSTILE[1] as string, thought: HOSTILE, answer: HOSTILE[0] as string }); return { ...shaded(withDocument(made, HOSTILE[0]), made, "token"), head: { model: HOSTILE[0] as string, where: HOSTILE[1] as string, note: "" } }; },
  longprompt: () => { const made = plain({ prompt: Array(30).fill(PROMPT).join(" ") }); return stripped(shaded(withDocument(made), made, "token"), made, ["7", "9"], 0); },
  long1k: () => long(1000),
  long10k: () => long(10000),
  long50k: () => long(50000),
  line: () => long(3000, true),
};
