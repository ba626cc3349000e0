/** Where two texts differ, as stretches of characters of each. */

import { diff, words } from "../../kit/text/diff";
import type { Change } from "../../kit/protocol";
import type { Role, TextModel } from "../../kit/text/text";

export type Stretch = readonly [start: number, end: number];
export interface Difference { gone: Stretch[]; come: Stretch[] }

/** Fewer words between two changes are part of the change. */
const FEWEST_SAME = 3;
const LIMIT = 1_000_000; // pairs of words beyond which all that lies between first and last change counts as changed

/** The changes from one text to another, small islands of sameness drowned. */
export function changes(before: string, after: string): Change[] {
  const runs = diff(before, after, LIMIT);
  const islands = new Set(runs.filter((run, i) => run.op === "same" && i > 0 && i < runs.length - 1 && words(run.text).length < FEWEST_SAME));
  return runs.flatMap((run): Change[] => (islands.has(run) ? [{ op: "del", text: run.text }, { op: "ins", text: run.text }] : [run]));
}

/** Stretches of both texts that are not in the other, shifted to where the texts begin. */
export function stretches(runs: readonly Change[], fromBefore = 0, fromAfter = 0): Difference {
  const out: Difference = { gone: [], come: [] };
  let [a, b] = [fromBefore, fromAfter];
  for (const { op, text } of runs) {
    if (op !== "ins") { if (op === "del") add(out.gone, a, a + text.length); a += text.length; }
    if (op !== "del") { if (op === "ins") add(out.come, b, b + text.length); b += text.length; }
  }
  return out;
}

/** The difference of two documents, thought against thought and answer against answer. */
export function difference(before: TextModel, after: TextModel): Difference {
  const out: Difference = { gone: [], come: [] };
  for (const role of ["thought", "answer"] as Role[]) {
    const [a, b] = [before.roleSpan(role), after.roleSpan(role)];
    const found = stretches(changes(a ? before.text.slice(a.start, a.end) : "", b ? after.text.slice(b.start, b.end) : ""), a?.start ?? 0, b?.start ?? 0);
    out.gone.push(...found.gone);
    out.come.push(...found.come);
  }
  return out;
}

function add(list: Stretch[], start: number, end: number): void {
  const last = list[list.length - 1];
  if (last && last[1] === start) list[list.length - 1] = [last[0], end];
  else list.push([start, end]);
}

/** Tokens first..last, half-open, that overlap stretches. */
export function covered(text: TextModel, found: readonly Stretch[]): { first: number; last: number }[] {
  return found.map(([start, end]) => text.covering(start, end));
}
