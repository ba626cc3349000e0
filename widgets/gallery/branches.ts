/** Branch trees as Python would send them. */

import { CODE } from "./code";
import type { State, TreeBranch } from "../branch_tree/protocol";

const HOSTILE = "<img src=x onerror=\"window.hacked = 1\"><script>window.hacked = 2</script>";

function branch(id: string, parent: string | null, kind: TreeBranch["kind"], label: string, more: Partial<TreeBranch> = {}): TreeBranch {
  return { id, parent, kind, label, answer: "17", p: 0.97, current: false, change: "", from_parent: "", from_root: "", tokens: 93, note: "", tags: [], pruned: false, fan: [], ...more };
}

const BRANCHES: TreeBranch[] = [
  branch("b0", null, "original", "original", { current: true, fan: [{ answer: "17", count: 18, share: 0.9, low: 0.7, high: 0.97 }, { answer: "16", count: 2, share: 0.1, low: 0.03, high: 0.3 }] }),
  branch("b1", "b0", "replace", "44 → 54", { answer: "27", p: 0.88, change: "“44” → “54” (4.1 nats per token)", from_parent: "was 17, now 27, p(17) -0.96; 4 words less, 4 more", note: "the sum carries it", tags: ["arithmetic"] }),
  branch("b2", "b1", "rerun", "again from #2", { answer: null, p: null, from_parent: "was 27, now no answer; 9 words less, 3 more", from_root: "was 17, now no answer; 12 words less, 6 more" }),
  branch("b3", "b0", "truncate", "cut at #3", { p: 0.41, from_parent: "still 17, p(17) -0.56; 12 words less, 0 more" }),
  branch("b4", "b0", "clamp", "latent 412 off", { pruned: true, from_parent: "still 17; 0 words less, 0 more" }),
  branch("b5", "b4", "steer", "+1.2 check the work", { pruned: true }),
];

const shown = (branches: TreeBranch[], more: Partial<State> = {}): State => ({ branches, compared: {}, selected: {}, code: CODE, alive: true, ...more });

/** State name -> traits of the branch tree. */
export const BRANCHTREES: Record<string, () => State> = {
  tree: () => shown(BRANCHES),
  treegone: () => shown(BRANCHES, { alive: false }),
  treemany: () => shown(Array.from({ length: 400 }, (_, i) => branch(`b${i}`, i ? `b${Math.floor((i - 1) / 3)}` : null, i ? "replace" : "original", `branch ${i}`, { current: i === 7 }))),
  treehostile: () => shown([branch("b0", null, "original", HOSTILE, { current: true, answer: HOSTILE, change: HOSTILE, note: HOSTILE, tags: [HOSTILE], from_parent: HOSTILE })]),
};
