/** States of the steering panel. Texts and figures are invented. */

import type { TraceText } from "../kit/protocol";
import type { Current, Dial, Finding, Findings, Point, Rewritten, State, Sweep } from "../steering_panel/protocol";
import { bytes, make, type Parts } from "./document";

const PROMPT = "Ravi has 6 shells. He finds 8 more shells on the beach. It is a sunny day. He gives away 5 shells. Then he loses 2 shells. How many shells does Ravi have?";
const THOUGHT = ["Okay, let me work through this.", "Ravi starts with 6 shells.", "He finds 8 more, so 6 + 8 = 14.", "He gives away 5, so 14 - 5 = 9.", "He loses 2, so 9 - 2 = 7.", "So the answer is 7."];
const CHECKED = [...THOUGHT.slice(0, 3), "Let me check that: 14 - 8 = 6, right.", "He gives away 5, so 14 - 5 = 9.", "To be sure, 9 + 5 = 14.", ...THOUGHT.slice(4)];
const BROKEN = [...THOUGHT.slice(0, 2), "He he he he he he he he he he he he he he he he he he he he he he he he he he he he he he"];
const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\"> and &lt;b&gt;bold&lt;/b&gt;.", "Emoji 👩‍👩‍👧 and é, then \u202eright to left\u202c."];

function documentOf(id: string, parts: Parts, from: string | null = null): { document: TraceText; offsets: DataView } {
  const made = make(id, parts);
  const { text, roles, n_tokens, sentences, finish } = made.document;
  return { document: { id, text, roles, n_tokens, sentences, finish, rewritten_from: from === null ? null : text.indexOf(from) }, offsets: bytes(made.offsets) };
}

const BASELINE = documentOf("b", { prompt: PROMPT, thought: THOUGHT, answer: "Ravi has 7 shells." });
const PLAIN = documentOf("u", { prompt: PROMPT, thought: [...THOUGHT.slice(0, 5), "That makes 7."], answer: "Ravi has 7 shells." }, "That makes");
const NONE = bytes(new Uint32Array(1));
const CODE = 'import cotlens as cl\n\nmodel = cl.load("abacus")\ntrace = model.reason("Ravi has 6 shells. …", seed=0)\nvector = cl.steering.fit(model, positive, negative, layer=2)\nrun = cl.steering.steer(model, trace, [(vector, 1.2, \'thought\')], at=41, temperature=0.0)\ntrace = run.steered';

const dial = (coefficient: number, more: Partial<Dial> = {}): Dial => ({ coefficient, layer: 2, place: "thought", start: 0, end: 0, ...more });
const finding = (answer: string | null, p: number | null, perplexity: number | null): Finding => ({ answer, p, perplexity, beside: null, baseline: null, start: 74, tokens: 61 });
/** Of a rewritten text, beside what stands there unsteered and in the baseline. */
const written = (answer: string | null, p: number | null, perplexity: number | null, start = 74): Finding => ({ ...finding(answer, p, perplexity), beside: start === 74 ? 1.11 : 1.06, baseline: start === 74 ? 1.08 : 1.05, start });

function at(dials: Dial[], more: Partial<State> = {}): State {
  return {
    head: { model: "abacus", where: "local · CPU", note: "", latents: 1024, most: 190, limit: 0 },
    vectors: [
      { name: "check the work", detail: "difference of means, 24 examples against 61", layer: 2, norm: 9.1, units: [21.3, 64.2, 112.4, 148.9] },
      { name: "12 → 13", detail: "latent 412 of the autoencoder at resid_post.1", layer: 1, norm: 1, units: [21.3, 64.2, 112.4, 148.9] },
    ].slice(0, dials.length),
    current: { dials, control: false, seed: 0, places: ["all", "thought", "answer", "here", "span"] },
    baseline: BASELINE.document, baseline_offsets: BASELINE.offsets, steered: {}, steered_offsets: NONE, control: {}, control_offsets: NONE, unsteered: {}, unsteered_offsets: NONE, stream: {},
    findings: { target: "7", baseline: finding("7", 0.97, 1.08), unsteered: null, steered: null, control: null, verdict: { kind: "same", text: "No vector is turned up: this is the baseline." }, control_verdict: null },
    sweep: {}, tries: [{ id: "t0", label: "original", answer: "7", current: true }],
    job: {}, code: CODE, selected: {}, alive: true, ...more,
  };
}

function rewritten(parts: Parts, from: string, more: Partial<Rewritten> = {}): Pick<State, "steered" | "steered_offsets"> {
  const { document, offsets } = documentOf("s", parts, from);
  return { steered: { document, same: false, note: "", ...more }, steered_offsets: offsets };
}

const CHECKS = { prompt: PROMPT, thought: CHECKED, answer: "Ravi has 7 shells." };
const figures = (steered: Finding, kind: string, text: string, more: Partial<Findings> = {}): Findings => ({ target: "7", baseline: finding("7", 0.97, 1.08), unsteered: { ...finding("7", 0.96, 1.11), baseline: 1.08 }, steered, control: null, verdict: { kind, text }, control_verdict: null, ...more });
const TRIES = [{ id: "t0", label: "original", answer: "7", current: false }, { id: "t1", label: "+1.2 check the work", answer: "7", current: true }];
const KEPT = figures(written("7", 0.96, 1.31), "text", "The text changed and the answer is still 7; perplexity from token 74 on 1.11 unsteered → 1.31, so it is still a text that the model would write.");

const steered = (more: Partial<State> = {}): State => at([dial(1.2), dial(0, { layer: 1 })], { ...rewritten(CHECKS, "Let me check"), unsteered: { document: PLAIN.document, same: false, note: "" }, unsteered_offsets: PLAIN.offsets, findings: KEPT, tries: TRIES, ...more });
const job = (state: "running" | "cancelled" | "error" | "queued", more: object = {}): State["job"] => ({ id: 3, state, label: "steering", done: 0, total: null, eta: null, message: null, remedy: null, ...more });

function withControl(): State {
  const control = documentOf("c", { prompt: PROMPT, thought: [...THOUGHT.slice(0, 4), "Then 2 are lost, 9 - 2 = 7.", "So the answer is 7."], answer: "Ravi has 7 shells." }, "Then 2");
  return steered({
    current: { dials: [dial(1.2), dial(0, { layer: 1 })], control: true, seed: 0, places: ["all", "thought", "answer", "here", "span"] },
    control: { document: control.document, same: false, note: "" }, control_offsets: control.offsets,
    findings: { ...KEPT, control: written("7", 0.95, 1.22, 91), control_verdict: "Random vectors of equal norm changed the text and not the answer (perplexity from token 91 on 1.06 unsteered → 1.22)." },
  });
}

function long(count: number): State {
  const parts = { prompt: PROMPT, thought: Array.from({ length: count }, (_, i) => `Step ${i}: ${THOUGHT[2 + (i % 3)]}`), answer: "Ravi has 7 shells." };
  const { document, offsets } = documentOf("b", parts);
  const other = { ...parts, thought: parts.thought.map((sentence, i) => (i % 50 === 49 ? "Let me check that once more." : sentence)) };
  return { ...steered(), baseline: document, baseline_offsets: offsets, ...rewritten(other, "Let me check") };
}

/** What Python says first to a turned dial. */
export function steeringEcho(request: { kind: string; dials?: Dial[] }, state: State): Partial<State> {
  return request.kind === "steer" && request.dials ? { current: { ...state.current as Current, dials: request.dials } } : {};
}

const point = (arm: Point["arm"], coefficient: number, value: number, damaged: number): Point => ({ arm, coefficient, value, low: Math.max(0, value - 0.11), high: Math.min(1, value + 0.14), n: 8, damaged, status: "ok" });
const lost = (coefficient: number): Point => ({ arm: "vector", coefficient, value: null, low: null, high: null, n: 0, damaged: null, status: "not measured: cancelled" });
const SWEEP: Sweep = {
  vector: "check the work", layer: 2, note: "", most: 0.2,
  rows: [point("vector", -1.2, 0.62, 0.6), point("vector", -0.6, 0.12, 0), point("vector", 0, 0, 0.05), point("vector", 0.6, 0.25, 0.1), point("vector", 1.2, 0.75, 0.1),
    point("random", -1.2, 0.12, 0.1), point("random", -0.6, 0, 0), point("random", 0.6, 0, 0.1), point("random", 1.2, 0.25, 0.1)],
};

/** State name -> traits of the steering panel. */
export const STEERING: Record<string, () => State> = {
  steer: () => at([dial(0)]),
  steertwo: () => steered(),
  steersame: () => steered({ ...rewritten({ prompt: PROMPT, thought: THOUGHT, answer: "Ravi has 7 shells." }, "Ravi", { same: true }), findings: figures(finding("7", 0.94, 1.08), "same", "Every token stays: the model writes the same text.") }),
  steeranswer: () => steered({ ...rewritten({ prompt: PROMPT, thought: [...THOUGHT.slice(0, 3), "He gives away 5, so 14 - 5 = 10.", "He loses 2, so 10 - 2 = 8.", "So the answer is 8."], answer: "Ravi has 8 shells." }, "10."), findings: figures(written("8", 0.06, 1.29), "answer", "The answer changed from 7 to 8; perplexity from token 74 on 1.11 unsteered → 1.29, so it is still a text that the model would write.") }),
  steerdamage: () => steered({ ...rewritten({ prompt: PROMPT, thought: BROKEN, answer: "", closed: false, finish: "length" }, "He he", { note: "Cut after 182 tokens." }), findings: figures(written(null, null, 9.4), "damage", "The answer 7 is gone and no other can be read, and the text came to no end in 182 tokens, where the unsteered rewrite did: this may be damage and no change of mind.") }),
  steercontrol: withControl,
  steerstream: () => steered({ steered: {}, steered_offsets: NONE, findings: at([]).findings, stream: { id: 1, which: "steered", source: "b", from: BASELINE.document.text.indexOf(" He gives away 5, so"), at: 0, text: " Let me check that: 14 - 8 = 6, right. He gives", tokens: 18, limit: 200 }, job: job("running", { done: 18 }) }),
  steerqueued: () => steered({ job: job("queued") }),
  steerstopped: () => steered({ ...rewritten({ prompt: PROMPT, thought: CHECKED.slice(0, 5), answer: "", closed: false, finish: "cancelled" }, "Let me check", { note: "Stopped after 31 tokens." }), findings: { ...KEPT, steered: null, verdict: { kind: "unknown", text: "Not measured. Stopped after 31 tokens." } }, job: job("cancelled") }),
  steererror: () => at([dial(3e30)], { findings: {}, job: job("error", { message: "Adding +3e+30 'check the work' at layer 2 made the model's numbers NaN or infinite, so the rerun stopped and the baseline is kept; use a smaller coefficient." }) }),
  steersweep: () => steered({ sweep: SWEEP }),
  steersweeping: () => steered({ sweep: { ...SWEEP, rows: [...SWEEP.rows.slice(1, 4), lost(-1.2), lost(1.2)], note: "3 of 5 points were measured." }, job: job("cancelled", { label: "sweeping" }) }),
  steergone: () => steered({ alive: false }),
  steermany: () => steered({ tries: [...TRIES.map((each) => ({ ...each, current: false })), ...Array.from({ length: 9 }, (_, i) => ({ id: `n${i}`, label: `${i % 2 ? "+" : "−"}${i / 2} check the work, +0.4 12 → 13`, answer: i === 4 ? null : "7", current: i === 8 }))] }),
  steerunmeasured: () => steered({ findings: {} }),
  steerhostile: () => at([dial(1.2)], {
    vectors: [{ name: HOSTILE[0] as string, detail: HOSTILE[1] as string, layer: 2, norm: 1, units: [1, 2, 3] }],
    ...rewritten({ prompt: HOSTILE[1] as string, thought: HOSTILE, answer: HOSTILE[0] as string }, "Emoji"), findings: figures(finding(HOSTILE[0] as string, 0.5, 2), "answer", HOSTILE[1] as string),
    tries: [{ id: "t0", label: HOSTILE[0] as string, answer: HOSTILE[1] as string, current: true }],
  }),
  steerlong: () => long(300),
};
