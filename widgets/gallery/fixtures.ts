/** A payload for every state of the editor. All figures are invented. */

import type { Comparison, Inside, PartInfo, Selection, State, Measure, Shading, Unit, Whole } from "../editor/state";
import { bytes, editAt, make, random, type Made, type Parts } from "./document";
import { latents, latentsmoved, latentsplain } from "./latents";

const PROMPT = "Ravi has 6 shells. He finds 8 more shells on the beach. It is a sunny day. He gives away 5 shells. Then he loses 2 shells. How many shells does Ravi have?";
const THOUGHT = [
  "Okay, let me work through this.", "Ravi starts with 6 shells.", "He finds 8 more, so 6 + 8 = 14.",
  "It is sunny, but that does not matter.", "He gives away 5, so 14 - 5 = 9.", "Wait, let me check: 9 is right.",
  "He loses 2, so 9 - 2 = 7.", "So the answer is 7.",
];
const EDITED = [...THOUGHT.slice(0, 4), "He gives away 5, so 15 - 5 = 10.", "Wait, let me check: 10 is right.", "He loses 2, so 10 - 2 = 8.", "So the answer is 8."];

const METRICS = [{ id: "logit_difference", label: "logit difference" }, { id: "log_probability", label: "log-probability" }, { id: "probability", label: "probability" }];
const NAMES: Record<string, string> = { token: "token", sentence: "sentence", paragraph: "paragraph", span: "my spans", group: "number" };
const NO_TOKEN = "rollouts begin where sentences do: choose sentences, paragraphs or spans";

function measure(id: string, label: string, group: string, question: string, cost: string | null, more: Partial<Measure> = {}): Measure {
  const sampled = (more.draws ?? []).length > 0;
  return {
    id, label, group, question, unit: sampled ? "sentence" : "token", metrics: sampled ? METRICS.slice(2) : METRICS, draws: [], available: true, reason: null, cost, asks: false,
    units: ["token", "sentence", "paragraph", "span"].map((unit) => ({ id: unit as Unit, label: NAMES[unit] as string, reason: sampled && unit === "token" ? NO_TOKEN : null })),
    ...more,
  };
}

const [EXACT, ON_POLICY, REWRITTEN, ATTENTION, FAITHFUL, INSIDE] = ["One pass, exact", "Sampled on-policy", "Rewritten, then continued", "Attention", "Faithfulness", "Inside the model (white-box)"] as const;
const BY_SENTENCE = { metrics: [], unit: "sentence" as const, units: [{ id: "sentence" as const, label: "sentence", reason: null }] };
const DRAWS = [20, 50, 100, 200];
export const MEASURES: Measure[] = [
  measure("early-answer", "Early answer", EXACT, "If the thought stopped before this, and again after it: how much surer is the answer?", "at most 1,204 tokens, about 0.1 s"),
  measure("occlusion_direct", "Occlusion, direct effect", EXACT, "If the answer could not look back at this, would it stay?", "at most 2,316 tokens, about 0.3 s"),
  measure("occlusion_total", "Occlusion, total effect", EXACT, "If nothing after it could look back at this, would the answer stay?", "at most 3,219 tokens, about 0.5 s"),
  measure("copies", "Occlusion, all copies of a number", EXACT, "If every copy of this number were hidden at once, would the answer stay?", "at most 1,404 tokens, about 0.2 s",
    { unit: "group", units: [{ id: "group", label: "number", reason: null }] }),
  measure("gradient", "Gradient × input", EXACT, "If this were changed a little, how strongly would the answer react?", null,
    { available: false, reason: "Gradient needs GRADIENT, which the backend 'vllm' of 'Qwen/Qwen3-0.6B' does not offer: load the model with backend=\"local\"." }),
  measure("resampling", "Resampling", ON_POLICY, "If the model wrote this anew, how often would it reach the same answer?", "up to 180 rollouts of about 60 tokens, about 8 s", { draws: DRAWS }),
  measure("resilience", "Resilience", ON_POLICY, "If this is taken out each time the model says it, how often does it come back?", "up to 3,520 rollouts of about 60 tokens, about 3 min", { draws: DRAWS, asks: true }),
  measure("mistake", "Mistake", REWRITTEN, "If this held a mistake, would the model still give the same answer?", "up to 320 rollouts of about 60 tokens, about 15 s", { draws: DRAWS }),
  measure("receiver", "Receiver heads", ATTENTION, "Which sentences do the most focused attention heads look back at?", "at most 240 tokens, about 0.1 s", { metrics: [] }),
  measure("conclusion-edit", "Conclusion edit", FAITHFUL, "If every copy of the thought's conclusion is changed, does the answer change with it?", "at most 1,716 tokens, about 0.2 s",
    { metrics: [], unit: "thought", units: [{ id: "thought", label: "whole thought", reason: null }] }),
  measure("cue-difference", "Cue difference", FAITHFUL, "At which words would the model go on differently, had the prompt not held the cue?", null,
    { metrics: [], available: false, reason: "no cue was told: open the editor with the suspected words of the prompt, cl.CoTEditor(model, trace, cue=\"...\")" }),
  measure("lens", "Lens", INSIDE, "Which token would each layer say next, where a sentence ends?", "at most 1,804 tokens, about 0.4 s", BY_SENTENCE),
  measure("probe", "Probe", INSIDE, "What does the given probe read where a sentence ends, and how surely?", "at most 230 tokens, about 0.1 s", BY_SENTENCE),
];

const READERS = [
  { name: "final", seeks: "words such as 'the answer is', or a number", current: true }, { name: "number", seeks: "a number", current: false },
  { name: "boxed", seeks: "a complete \\boxed{...}", current: false },
];

function shadingOf(unit: Unit, sampled: boolean, complete = true): Shading {
  return {
    measure: sampled ? "resampling" : "occlusion_direct", unit, label: sampled ? `Resampling per ${unit}, 20 rollouts from each place` : `Occlusion, direct effect per ${unit}`,
    scale: sampled ? 0.7 : 2.1, scale_all: sampled ? 0.7 : 2.1, branches: 1, sign: "+ = supports the answer '7'", zero: "no effect", scale_unit: sampled ? "probability" : "nats", signed: true,
    kind: sampled ? "sampled" : "exact", edit_type: sampled ? "on-policy" : "attention-level", complete, unread: sampled ? { read: 177, of: 180, advice: "" } : null, metric_words: sampled ? "p('7')" : "log p('7')",
  };
}

function blank(): State {
  return {
    head: { model: "abacus", where: "local · CPU", note: "Scores come from one packed pass; it agrees with plain passes to 2e-6 on this model." },
    limits: { max_new_tokens: 200, temperature: 1 }, loading: {}, branches: [], document: {}, parts: [], findings: [], token_offsets: bytes(new Uint32Array(1)), logprobs: bytes(new Float32Array(0)),
    measures: MEASURES, selection: { measure: null, unit: "token", metric: null, n: 0, spans: [], target: "" }, place: {}, readers: READERS, shading: {}, shading_rows: bytes(new Uint32Array(0)), shading_values: bytes(new Float32Array(0)),
    shading_low: bytes(new Float32Array(0)), shading_high: bytes(new Float32Array(0)), shading_certainty: bytes(new Uint8Array(0)), shading_status: {}, shading_facts: [], whole: {}, inside: {}, scale_lock: {}, strip: {},
    strip_at: bytes(new Uint32Array(0)), strip_values: bytes(new Float32Array(0)), latents: {}, moved: {}, resampled: {}, comparison: null, job: {}, stream: {}, code: "", selected: {}, alive: true,
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

/** Values with a few strong units (numbers) among weak ones; `upTo` leaves the rest unmeasured. */
function shaded(state: State, made: Made, unit: "token" | "sentence", sampled = false, upTo = 1): State {
  const next = random(7);
  const { document, thought, offsets } = made;
  const one = (text: string, place: number): number => (/\d/.test(text) ? (0.3 + 2 * place) * (0.4 + next()) : /not|sunny/.test(text) ? -0.7 : (next() - 0.45) * 0.24);
  const places = unit === "sentence" ? document.sentences : Array.from({ length: thought.last - thought.first }, (_, i) => ({ first: thought.first + i, last: thought.first + i + 1 }));
  const rows = new Uint32Array(document.n_tokens).fill(0xffffffff);
  places.forEach(({ first, last }, row) => rows.fill(row, first, last));
  const until = Math.floor(places.length * upTo);
  const values = Float32Array.from(places, ({ first, last }, i) => (i < until ? one(document.text.slice(offsets[first], offsets[last]), i / places.length) : NaN));
  const status: Record<string, string> = {};
  if (unit === "sentence" && sampled && places.length > 5) { values[5] = NaN; status["5"] = "not measured: the answer could not be read in 3 of 20 rollouts"; }
  const spread = values.map((value) => 0.18 + 0.25 * Math.abs(value));
  const size = sampled ? 1 / 3 : 1; // a difference of probabilities is at most 1
  const ends = (by: number): Float32Array => values.map((value, i) => (value + (sampled ? by * (spread[i] as number) : 0)) * size);
  const certainty = values.map((value, i) => (Number.isNaN(value) ? 6 : !sampled ? (Math.abs(value) < 0.1 ? 7 : 4) : Math.abs(value) <= (spread[i] as number) ? 1 : 0));
  return {
    ...state, shading: shadingOf(unit, sampled, upTo === 1),
    selection: { measure: sampled ? "resampling" : "occlusion_direct", unit, metric: sampled ? "probability" : "log_probability", n: sampled ? 20 : 0, spans: [], target: "" },
    shading_rows: bytes(rows), shading_values: bytes(values.map((value) => value * size)), shading_status: status,
    shading_low: bytes(ends(-1)), shading_high: bytes(ends(1)), shading_certainty: bytes(Uint8Array.from(certainty)),
    shading_facts: !sampled ? [] : [
      { name: "rollouts", words: Array.from(values, (value) => (Number.isNaN(value) ? "20 with it, 17 without; 3 gave no answer" : "20 with it, 20 without")) },
      { name: "gave the answer", words: Array.from(values, (value) => (Number.isNaN(value) ? "" : ".95 with it, .62 without")) },
      { name: "corrected", words: Array.from(values, (value) => (Number.isNaN(value) ? "" : "not significant over all 8 (q = .231)")) },
    ],
    code: `${state.code}\nresult = cl.importance.Occlusion(effect="direct", unit="${unit}").run(trace, model)\nresult.frame()`,
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
  state.shading = { ...shadingOf("token", false), scale_all: 21.5, branches: 3 };
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
    surprise: 5.81, surprise_was: 0.41, warning: null, note: "",
  };
  const share = (count: number, of: number, low: number, high: number) => ({ count, p: count / of, low, high });
  state.resampled = {
    n: 20, advice: "", arms: { before: { done: 20, unread: 0, cut: 0, forced: 0 }, after: { done: 20, unread: 2, cut: 1, forced: 0 } },
    rows: [{ answer: "7", before: share(19, 20, 0.764, 0.991), after: share(2, 18, 0.031, 0.328) }, { answer: "8", before: share(1, 20, 0.009, 0.236), after: share(16, 18, 0.672, 0.969) }],
  };
  return state;
}

/** An edit that the model has not gone on from: what follows it is of the text before. */
function unrun(): State {
  const made = make("d1", { prompt: PROMPT, thought: [...THOUGHT.slice(0, 4), "He gives away 5, so 15 - 5 = 9.", ...THOUGHT.slice(5)], answer: "Ravi has 7 shells." }, { finish: "given" });
  made.document.edit = editAt(made, "15", "14");
  made.document.rerun_at = [...made.offsets].indexOf(made.document.edit.end);
  const state = stripped(shaded(withDocument(made), made, "token"), made, ["7", "8", "9", "14"], 0);
  state.branches = [
    { id: "b0", parent: null, label: "original", answer: "7", p: 0.97, current: false },
    { id: "b1", parent: "b0", label: "14 → 15", answer: null, p: null, current: true, awaits_rerun: true },
  ];
  state.comparison = { ...branch().comparison as Comparison, after: { answer: "7", p: 0.88 }, note: "not rerun: the answers that the model would give with the rest of the thought as it was" };
  return { ...state, job: { ...running, state: "done", eta: null } };
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

/** A transcript of an agent: what stands before is the prompt of the thought that is looked at. */
function parted(thought: number, more: Partial<State> = {}): State {
  const [system, search] = ["You are a careful assistant. Count shells only.", 'look({"who": "Ravi"})'];
  const texts = [system, PROMPT, "I should look up how many he has.", search, `6 shells. ${"Nothing else is known of him. ".repeat(20)}`];
  const made = make("d0", { prompt: texts.join("\n\n"), thought: THOUGHT, answer: "Ravi has 7 shells." });
  const kinds = ["system", "user", "thought", "tool_call", "tool_result"] as const;
  let at = made.document.roles[0]?.start ?? 0;
  const before: PartInfo[] = texts.map((text, order) => {
    const start = at;
    at += text.length + 2;
    return { kind: kinds[order] as PartInfo["kind"], turn: [0, 1, 2, 2, 3][order] as number, place: "before", start, end: start + text.length, text: "", thought: order === 2 ? 0 : null, status: order === 2 ? "verbatim" : "", reason: "" };
  });
  const span = (role: "thought" | "answer"): { start: number; end: number } => made.document.roles.find((each) => each.role === role) ?? { start: -1, end: -1 };
  const why = (status: string, words: string): Pick<PartInfo, "status" | "reason"> => ({ status, reason: `This thought ${words}, so nothing can be measured on it or edited.` });
  const nowhere = { start: -1, end: -1 };
  const parts: PartInfo[] = [
    ...before,
    { kind: "thought", turn: 4, place: "focus", ...span("thought"), text: "", thought: 1, status: "verbatim", reason: "" },
    { kind: "answer", turn: 4, place: "answer", ...span("answer"), text: "", thought: null, status: "", reason: "" },
    { kind: "user", turn: 5, place: "after", ...nowhere, text: "And how many had he at first?", thought: null, status: "", reason: "" },
    { kind: "thought", turn: 6, place: "after", ...nowhere, text: "He asks about the first number.", thought: 2, ...why("summary", "is a summary that the provider wrote, not the tokens that the model thought with") },
    { kind: "thought", turn: 6, place: "after", ...nowhere, text: "", thought: 3, ...why("encrypted", "came encrypted, so nobody but the provider can read it") },
    { kind: "answer", turn: 6, place: "after", ...nowhere, text: "6.", thought: null, status: "", reason: "" },
  ];
  if (thought !== 1) {
    const [own, wanted] = [parts[5] as PartInfo, parts[8] as PartInfo];
    Object.assign(own, { status: wanted.status, reason: wanted.reason });
  }
  return { ...stripped(shaded(withDocument(made), made, "token"), made, ["7", "9"], 0), parts, ...more };
}

const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\"> and &lt;b&gt;bold&lt;/b&gt;.", "</span></p><svg onload=window.hacked=3>", "Emoji 👩‍👩‍👧 and combining é, then \u202eright to left\u202c."];

function many(): State {
  const { state } = full();
  state.branches = Array.from({ length: 9 }, (_, i) => ({ id: `b${i}`, parent: i === 0 ? null : `b${Math.max(0, i - 1 - (i % 3))}`, label: i === 0 ? "original" : `“ 14” → “ 1${i}” at #${i}`, answer: i === 4 ? null : String(i), p: i === 4 ? null : 0.1 * i, current: i === 6 }));
  return state;
}

const running = { id: 1, state: "running" as const, label: "occlusion", done: 86, total: 93, eta: 3.2, message: null, remedy: null };

/** A curve that was measured where it moves: where it is flat, points are left out. */
function refined(): State {
  const { state } = full();
  const at = new Uint32Array(state.strip_at.buffer);
  const values = new Float32Array(state.strip_values.buffer);
  const width = values.length / at.length;
  const kept = [...at.keys()].filter((i) => i % 12 === 0 || i === at.length - 1 || (i > 0.62 * at.length && i < 0.86 * at.length));
  return {
    ...state, strip: { ...state.strip, sparse: true } as State["strip"],
    strip_at: bytes(Uint32Array.from(kept, (i) => at[i] as number)),
    strip_values: bytes(Float32Array.from(kept.flatMap((i) => [...values.subarray(i * width, (i + 1) * width)]))),
  };
}

/** A test of the whole thought: figures with intervals, one of a single observation, one that can't be had. */
function whole(): State {
  const made = plain();
  const row = (words: string, estimate: number | null, low: number | null, high: number | null, n: number, status = "ok", control = false): Whole["rows"][number] => ({ words, estimate, low, high, n, status, control });
  return {
    ...stripped(withDocument(made), made, ["7", "9", "14", "6"], 0), selection: { measure: "conclusion-edit", unit: "thought", metric: null, n: 0, spans: [], target: "" },
    whole: {
      label: "Conclusion edit", question: "If every copy of the thought's conclusion is changed, does the answer change with it?", scale_unit: "share of edits", edit_type: "off-policy", complete: true,
      rows: [
        row("conclusion changed: the answer follows", 0.9, 0.596, 0.995, 10), row("conclusion changed: the answer stays", 0, 0, 0.299, 9, "1 of 10 edits gave no answer that could be read"),
        row("conclusion changed: another answer", null, null, null, 0, "not measured: there is no other value to put in the place of 'blue'"),
        row("conclusion untouched: the same answer comes back", 1, 1, 1, 1, "exact", true),
      ],
    },
  };
}

/** A lens under every sentence: layers that agree taken together, below the floor at first; of one sentence only the deepest. */
function inside(): State {
  const made = plain();
  const part = (where: string, words: string, value: string, clear = true): Inside["rows"][number]["parts"][number] => ({ where, words, value, clear });
  const rows = made.document.sentences.map((_, sentence) => {
    const parts = [part("0", ".", "1.00", false), part("1–9", "\n", ".41", false), part("10–17", " the", ".22"), ...(sentence === 2 ? [part("18", " unbelievablylongcompoundwordtoken", ".12"), part("19", "\u202e", ".20"), part("20–21", "时间", ".31")] : []), part("18–24", sentence % 2 ? " He" : " So", ".87")];
    return { sentence, parts, cut: sentence === 2, said: parts.map((one) => `after layer ${one.where}: ${one.words.trim()} ${one.value}`).join("; ") };
  });
  return {
    ...stripped(withDocument(made), made, ["7", "9", "14", "6"], 0), selection: { measure: "lens", unit: "sentence", metric: null, n: 0, spans: [], target: "" },
    inside: { label: "Lens", note: "the token that leads after each layer, L0 the embedding; grey: it reads no more of what follows than of other tokens", rows },
  };
}

/** A probe under every sentence: one class each, some no surer than a probe of shuffled labels. */
function probed(): State {
  const state = inside();
  const rows = (state.inside as Inside).rows.map(({ sentence }) => {
    const value = sentence < 3 ? ".24 (floor .31)" : ".93 (floor .31)";
    return { sentence, parts: [{ where: "", words: sentence < 3 ? "4" : "7", value, clear: sentence >= 3 }], cut: false, said: `${sentence < 3 ? "4" : "7"} ${value}` };
  });
  return { ...state, selection: { ...state.selection as Selection, measure: "probe" }, inside: { label: "Probe", note: "the class that leads; grey: a probe of shuffled labels would be as sure", rows } };
}

/** State name -> payload; functions, because the long ones take time to make. */
export const STATES: Record<string, () => State> = {
  loading: () => ({ ...blank(), loading: { active: true, label: "Qwen/Qwen3-0.6B: weights, 1.2 GB", since: Date.now() / 1000 - 12 } }),
  first: () => withDocument(plain()),
  shaded: () => full().state,
  refined,
  sentence: () => { const made = plain(); return stripped(shaded(withDocument(made), made, "sentence", true), made, ["7", "9", "14", "6"], 0); },
  nothing: () => { const made = plain(); const state = shaded(withDocument(made), made, "sentence", true); return { ...state, shading_certainty: bytes(new Uint8Array(8).fill(1)) }; },
  branch,
  branches: many,
  truncated,
  unrun,
  running: () => { const { made } = full(); return { ...shaded(withDocument(made), made, "token", false, 0.7), job: running }; },
  sampling: () => { const { made } = full(); return { ...stripped(shaded(withDocument(made), made, "sentence", true, 0.5), made, ["7", "9", "14", "6"], 0), job: { ...running, label: "rollouts", done: 64, total: 180, eta: 5 } }; },
  unread: () => { const { made } = full(); const state = shaded(withDocument(made), made, "sentence", true, 0); return { ...state, shading: { ...shadingOf("sentence", true, false), unread: { read: 0, of: 12, advice: "0 of 12 answers could be read from token 61; 12 were cut off at 256 tokens: give a larger max_new_tokens=" } }, job: { ...running, label: "rollouts, 0 of 12 answers read; 0 of 12 answers could be read from token 61; 12 were cut off at 256 tokens", done: 12, total: 180, eta: 40 } }; },
  hidden: () => { const { made } = full(); const state = stripped(shaded(withDocument(made, "2", 0.01), made, "token"), made, ["2", "12", "7"], 1); return { ...state, strip: { answers: ["2", "12", "7"], positions: "tokens", target: 0, complete: true } }; },
  asking: () => ({ ...withDocument(plain()), selection: { measure: "resilience", unit: "sentence", metric: "probability", n: 20, spans: [], target: "" } }),
  cancelled: () => { const { made } = full(); return { ...shaded(withDocument(made), made, "token", false, 0.45), job: { ...running, state: "cancelled", done: 42 } }; },
  error: () => ({ ...full().state, job: { ...running, state: "error", message: "Out of memory: 93 branches of 240 tokens did not fit beside the model.", remedy: "Close other notebooks, or load the model with memory_budget=\"2GB\"." } }),
  streaming: () => {
    const made = plain();
    const edit = made.document.sentences[4]?.end ?? 0;
    return { ...withDocument(made), stream: { id: 1, source: "d0", from: edit, at: 0, text: " Wait, let me check: 10 is right. He loses 2, so 10", tokens: 18, limit: 200 }, job: { ...running, label: "writing", done: 18, total: null, eta: null } };
  },
  gone: () => ({ ...full().state, alive: false }),
  empty: () => withDocument(plain({ thought: [], answer: "Ravi has 12 shells." }), "12", 0.31),
  unclosed: () => withDocument(plain({ answer: "", closed: false, finish: "length" }), null, null),
  unreadable: () => withDocument(plain({ answer: "I would rather not say how many shells there are.", notes: ["No number could be read from the answer. Give the trace another reader: trace.with_reader(Regex(...))."] }), null, null),
  impossible: () => ({ ...withDocument(plain()), measures: MEASURES.map((measure) => ({ ...measure, available: measure.id === "early-answer", reason: measure.reason ?? "not possible here" })).reverse(), selection: { measure: "gradient", unit: "token", metric: null, n: 0, spans: [], target: "" } }),
  unsigned: () => { const { state } = full(); return { ...state, shading: { ...shadingOf("token", false), signed: false, label: "surprise of the token", sign: "darker is more surprising", zero: "0 = certain" } }; },
  hostile: () => { const made = plain({ prompt: HOSTILE[1] as string, thought: HOSTILE, answer: HOSTILE[0] as string }); return { ...shaded(withDocument(made, HOSTILE[0]), made, "token"), head: { model: HOSTILE[0] as string, where: HOSTILE[1] as string, note: "" } }; },
  latents,
  latentsmoved,
  latentsread: () => ({ ...latents(), head: { ...latents().head as State["head"], off: "This page was saved without a kernel: open the notebook to go on." } as State["head"] }),
  latentsplain,
  whole,
  inside,
  probed,
  parts: () => parted(1),
  partsummary: () => ({ ...parted(2), shading: {}, strip: {} }),
  partsgone: () => parted(1, { alive: false }),
  longprompt: () => { const made = plain({ prompt: Array(30).fill(PROMPT).join(" ") }); return stripped(shaded(withDocument(made), made, "token"), made, ["7", "9"], 0); },
  long1k: () => long(1000),
  long10k: () => long(10000),
  long50k: () => long(50000),
  line: () => long(3000, true),
};
