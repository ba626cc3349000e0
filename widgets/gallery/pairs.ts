/** Matrices for the pair matrix. Figures are invented, and the same every time. */

import { CODE } from "./code";
import { CERTAINTIES } from "../kit/heat/certainty";
import type { Matrix, State } from "../pair_matrix/protocol";
import { bytes, random } from "./document";
import { THOUGHT } from "./scores";

interface Options { sampled?: boolean; missing?: (target: number, source: number) => boolean; more?: Partial<Matrix>; texts?: string[] }

function matrixOf(count: number, { sampled = false, missing = () => false, more = {}, texts }: Options = {}): Matrix {
  const next = random(count);
  const [estimate, low, high, n] = [0, 1, 2, 3].map(() => new Float32Array(count * count).fill(NaN)) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const certainty = new Uint8Array(count * count);
  const status: Record<string, string> = {};
  for (let target = 1; target < count; target += 1) {
    for (let source = 0; source < target; source += 1) {
      const cell = target * count + source;
      if (missing(target, source)) {
        certainty[cell] = CERTAINTIES.indexOf("none") + 1;
        status[String(cell)] = "not measured: no rollout went on after this sentence";
        continue;
      }
      const near = target - source === 1 ? 0.35 * next() : 0;
      const link = (target * 7 + source * 3) % 31 === 0 ? 0.5 * next() : 0;
      const value = near + link + (next() + next() - 1) * 0.08;
      estimate[cell] = value;
      const half = sampled ? 0.12 : 0;
      low[cell] = value - half;
      high[cell] = value + half;
      n[cell] = sampled ? 100 : 1;
      certainty[cell] = 1 + CERTAINTIES.indexOf(!sampled ? "exact" : low[cell] <= 0 && high[cell] >= 0 ? "zero" : "clear");
    }
  }
  return {
    label: sampled ? "Sentence to sentence" : "Suppression", metric: sampled ? "rate at which the target is said" : "log KL of the target's tokens", unit: "sentence",
    sign: sampled ? "+ = the source makes the target likelier" : "+ = the target reads the source", zero: "no effect", scale_unit: sampled ? "probability" : "nats",
    signed: true, kind: sampled ? "sampled" : "exact", edit_type: sampled ? "on-policy" : "attention-level", model: "abacus", backend: "local", settings: [["temperature", "0.6", "what logits are divided by; where texts are sampled, 0 takes the likeliest token"], ["alpha", "1.0", "added to the count of every answer before the divergence is taken"]],
    base: 0, scale: 0.8, trace: "", first: bytes(Uint32Array.from({ length: count }, (_, i) => 30 + 14 * i)), last: bytes(Uint32Array.from({ length: count }, (_, i) => 44 + 14 * i)), texts: texts ?? Array.from({ length: count }, (_, i) => THOUGHT[i % THOUGHT.length] as string),
    estimate: bytes(estimate), low: bytes(low), high: bytes(high), n: bytes(n), certainty: new DataView(certainty.buffer), status, ...more,
  };
}

const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\">", "</span></p><svg onload=window.hacked=3>"];

/** The traits of a matrix whose colours nobody has locked. */
function shown(matrix: Matrix): State {
  return { matrix, code: CODE, scale_lock: {}, selected: {} };
}

/** State name -> traits of the pair matrix. */
export const PAIRS: Record<string, () => State> = {
  pairs: () => shown(matrixOf(15)),
  pairssampled: () => shown(matrixOf(60, { sampled: true, missing: (target, source) => target === 41 || (source === 17 && target > 40) })),
  pairslarge: () => shown(matrixOf(300, { missing: (target) => target % 50 === 49 })),
  pairsunsigned: () => { const matrix = matrixOf(40); return shown({ ...matrix, signed: false, sign: "larger = the target reads the source more" }); },
  pairshostile: () => shown(matrixOf(3, { texts: HOSTILE, more: { label: HOSTILE[0] as string, sign: HOSTILE[1] as string } })),
  pairsnothing: () => { const matrix = matrixOf(15); return shown({ ...matrix, certainty: new DataView(Uint8Array.from({ length: 225 }, (_, cell) => (cell % 15 < Math.floor(cell / 15) ? CERTAINTIES.indexOf("faint") + 1 : 0)).buffer) }); },
  pairsone: () => shown(matrixOf(2)),
};
