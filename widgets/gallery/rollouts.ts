/** Rollouts for the rollout map. Texts and figures are invented, and the same every time. */

import { CODE } from "./code";
import type { Group, Node, Plane, Prompt, Rollouts, State } from "../rollout_map/protocol";
import { bytes, random } from "./document";

const KINDS = ["problem_setup", "plan_generation", "fact_retrieval", "active_computation", "result_consolidation", "uncertainty_management", "final_answer_emission", "self_checking", "unknown"];
const SAID: [number, string][] = [
  [0, "Mia has 12 pears."], [0, "She buys 7 more and gives 4 to Tom."], [1, "Let me add first, then take away."], [3, "12 + 7 = 19."], [5, "Wait, does she give them before?"], [3, "19 - 4 = 15."], [7, "Check: 15 + 4 = 19, so that holds."], [4, "So she has 15 pears."], [6, "The answer is 15."],
];

const ASKED = ["Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have?", "How many pears has Tom?", "How many pears are there?"];

interface Options { rows: number; sentences: number; texts?: string[]; alive?: boolean; prompts?: number }

function rolloutsOf({ rows, sentences, texts, alive = true, prompts = 1 }: Options): State {
  const next = random(rows);
  const [first, start, end, column, category, alike, group, whole] = [[0], [], [], [], [], [], [], []] as [number[], number[], number[], number[], number[], number[], number[], string[]];
  for (let row = 0; row < rows; row += 1) {
    let text = "";
    for (let at = 0; at < sentences; at += 1) {
      if (next() < 0.12) continue;
      const [kind, said] = SAID[at % SAID.length] as [number, string];
      const own = next() < 0.1;
      if (text !== "") text += " ";
      start.push(text.length);
      text += texts?.[row] ?? (own ? `Something of its own, number ${row}.` : said);
      end.push(text.length);
      column.push(at);
      category.push(own ? 8 : kind);
      alike.push(own ? 0 : 1);
    }
    first.push(start.length);
    const answer = row % 5 === 4 ? 1 : row % 11 === 10 ? 2 : 0;
    group.push(answer);
    whole.push(`${text}\n${answer === 2 ? "I don't know" : answer === 1 ? "16" : "15"}`);
  }
  const numbers = (values: number[]): DataView => bytes(Uint32Array.from(values));
  const rollouts: Rollouts = {
    names: whole.map((_, i) => `t${i}`), notes: whole.map((_, i) => (i === 2 ? "cut off before it ended" : "")), texts: whole,
    prompt: numbers(whole.map((_, i) => i % prompts)), group: numbers(group),
    first: numbers(first), start: numbers(start), end: numbers(end), token: numbers(start), last: numbers(end), column: numbers(column), category: bytes(Uint8Array.from(category)), alike: bytes(Uint8Array.from(alike)),
    categories: KINDS, model: "abacus",
  };
  const planeOf = (own: number[]): Plane => ({ places: bytes(Float32Array.from({ length: 2 * own.length }, (_, i) => (group[own[i >> 1] as number] ?? 0) + next())), explained: [0.41, 0.17], of: "each rollout's words, numbers and pairs of words" });
  const all = whole.map((_, i) => i);
  const told = Array.from({ length: prompts }, (_, prompt): Prompt => {
    const own = all.filter((row) => row % prompts === prompt);
    const groups = [0, 1, 2].map((each): Group => {
      const n = own.filter((row) => group[row] === each).length;
      return { answer: ["15", "16", null][each] ?? null, n, share: n / own.length, low: Math.max(0, n / own.length - 0.06), high: Math.min(1, n / own.length + 0.06) };
    });
    return { text: ASKED[prompt] ?? "", width: sentences, groups, tree: treeOf(own), prefixes: own.length < 2 ? 0 : own.length > 500 ? 1204 : 4, plane: planeOf(own) };
  });
  return { rollouts, prompts: told, plane: prompts > 1 ? planeOf(all) : {}, opened: [], code: CODE, selected: {}, alive };
}

function treeOf(all: number[]): Node[] {
  if (all.length < 2) return [];
  const node = (of: number[], parent: number, from: number, to: number, text: string, q: number | null): Node =>
    ({ rows: of, parent, start: from, end: to, text, shift: q === null ? null : 1 - q, q, shifts: q !== null && q < 0.05 });
  const [most, rest] = [all.filter((row) => row % 5 !== 4), all.filter((row) => row % 5 === 4)];
  return [node(all, -1, 0, 20, "Mia has 12 pears.", null), node(most, 0, 20, 34, " She buys 7 more", 0.001), node(most.filter((row) => row % 2), 1, 34, 60, " and gives", 0.7), node(rest, 0, 20, 50, " She gives 4", 0.001)];
}

const HOSTILE = ["<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 2\">", "</span></p><svg onload=window.hacked=3>"];

/** State name -> traits of the rollout map. */
export const ROLLOUTS: Record<string, () => State> = {
  rollouts: () => rolloutsOf({ rows: 60, sentences: 18 }),
  rolloutsmany: () => rolloutsOf({ rows: 1000, sentences: 200 }),
  rolloutsone: () => rolloutsOf({ rows: 1, sentences: 6 }),
  rolloutshostile: () => rolloutsOf({ rows: 3, sentences: 3, texts: HOSTILE }),
  rolloutsasked: () => rolloutsOf({ rows: 90, sentences: 12, prompts: 3 }),
  rolloutsgone: () => rolloutsOf({ rows: 12, sentences: 9, alive: false }),
};
