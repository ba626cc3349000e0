/** Thoughts in latents: payloads for the editor's strip. All figures are invented. */

import type { LatentChip, LatentStrip, MovedLatents, State } from "../editor/state";
import { bytes } from "./document";
import { STATES } from "./fixtures";

const PROMPT = "Max starts with 14 bottles. He drops 13 bottles. Later he receives 24 bottles. Later he throws away 12 bottles. How many bottles does Max have?";
const SAID = "-1301+2425-1213";
const PARTS = ["sign", "tens of the amount", "ones of the amount", "tens of the total", "ones of the total"];
const FIRST = 8;

function chip(text: string, i: number): LatentChip {
  const p = i === 13 ? 0.974 : 0.9985 + 0.0001 * i;
  return { token: FIRST + i, text, p, entropy: i === 13 ? 0.118 : 0.004, norm: 19 + 0.05 * i };
}

/** A prompt of six tokens, the template, latents without characters, an answer. */
export function latents(more: Partial<LatentStrip> = {}): State {
  const words = [PROMPT.slice(0, 27), PROMPT.slice(27), "<think>\n"];
  const template = words.join("").length;
  const after = ["\n</think>\n\n", "The", " answer", " is", " ", "1", "3", "."];
  const pieces = ["", "", "", "", "", ...words, ...[...SAID].map(() => ""), ...after];
  const offsets = new Uint32Array(pieces.length + 1);
  pieces.forEach((piece, i) => { offsets[i + 1] = (offsets[i] as number) + piece.length; });
  const answer = template + (after[0] as string).length;
  const text = pieces.join("");
  const first = (STATES["first"] as () => State)();
  const rows = new Uint32Array(pieces.length).fill(0xffffffff);
  [...SAID].forEach((_, i) => { rows[FIRST + i] = i; });
  const values = Float32Array.from(SAID, (_, i) => (i === 13 ? 8.42 : i === 14 ? 7.68 : i === 7 ? -0.3 : 0.02));
  return {
    ...first, head: { model: "abacus-latent", where: "local · CPU", note: "" },
    branches: [{ id: "b0", parent: null, label: "original", answer: "13", p: 0.978, current: true }],
    document: {
      id: "l0", text, n_tokens: pieces.length, edit: null, rewritten_from: null, rerun_at: null, finish: "stop", thought_closed: true, notes: [],
      roles: [{ role: "prompt", start: 0, end: PROMPT.length, tokens: [5, 7] }, { role: "thought", start: template, end: template, tokens: [FIRST, FIRST + SAID.length] }, { role: "answer", start: answer, end: text.length, tokens: [FIRST + SAID.length + 1, pieces.length] }],
      sentences: [...SAID].map((_, i) => ({ start: template, end: template, first: FIRST + i, last: FIRST + i + 1 })),
    },
    token_offsets: bytes(offsets), logprobs: bytes(new Float32Array(pieces.length).fill(-0.02)),
    selection: { measure: "occlusion_direct", unit: "token", metric: "logit_difference", n: 0, spans: [], target: "" },
    shading: {
      measure: "occlusion_direct", unit: "token", label: "Occlusion, direct effect per token", scale: 8.42, scale_all: 8.42, branches: 1, sign: "+ = supports the answer '13'", zero: "no effect",
      scale_unit: "nats", signed: true, kind: "exact", edit_type: "attention-level", complete: true, unread: null, metric_words: "logit difference of '13'",
    },
    shading_rows: bytes(rows), shading_values: bytes(values), shading_low: bytes(values), shading_high: bytes(values), shading_certainty: bytes(new Uint8Array(SAID.length).fill(4)),
    latents: {
      chips: [...SAID].map(chip), parts: PARTS, mean: "this step in 5 other thoughts", put: null, anew: null, note: "", off: "",
      donors: [{ id: "t1", label: "thought 1 → 25", reason: null }, { id: "t2", label: "thought 2 → 40", reason: null }, { id: "t3", label: "thought 3 → 7", reason: "The other thought has 10 latents and this thought 15, so they don't stand for one another; take one that was thought with as many." }],
      ...more,
    },
  };
}

/** After an exchange of two latents: what was put there is underlined, and a dashed line says from where it thought again. */
export function latentsmoved(): State {
  const state = latents({ put: [FIRST + 3, FIRST + 5], anew: FIRST + 5 });
  const moved: MovedLatents = {
    document: "l0", token: FIRST + 13, places: [1, 1], effect: "total", donor: "t1", norms: [19.2, 19.4], answer: "13", was: 3.84, now: -10.1, floor: 1.9e-6, cost: "117 tokens in 4 passes",
    rows: [{ answer: "13", before: 0.978, after: 0.00003 }, { answer: "25", before: 0.00001, after: 0.588 }, { answer: "other", before: 0.022, after: 0.412 }],
    control: { name: "abacus-latent-pause", reads: "'0' .35, '0' .13", answer: "30", was: -1.85, now: -1.85, why: "" },
  };
  return { ...state, moved };
}

/** Of a family that nobody knows more of: numbered, some readings odd, and nothing to take latents from. */
export function latentsplain(): State {
  const odd = [" unbelievablylongcompoundword", "\u202e", "时间", "\n", "<b>x</b>", " the"];
  const state = latents({ parts: [], mean: "this thought's own latents", donors: [] });
  const strip = state.latents as LatentStrip;
  return { ...state, shading: {}, latents: { ...strip, chips: strip.chips.map((each, i) => ({ ...each, text: odd[i] ?? each.text, p: i < 6 ? 0.07 * (i + 1) : each.p })) } };
}
