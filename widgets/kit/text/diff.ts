/** Differences of two texts, for showing what an edit replaced. */

import { cut, isHigh, isLow } from "./cut";
import type { Change } from "../protocol";

/** Characters kept on each side of a change. */
const AROUND = 60;

/** The one stretch in which two texts differ: a[start..endA] became b[start..endB]. Surrogate pairs stay whole. */
export function changedStretch(a: string, b: string): { start: number; endA: number; endB: number } {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a.charCodeAt(start) === b.charCodeAt(start)) start += 1;
  if (start > 0 && isHigh(a.charCodeAt(start - 1))) start -= 1;
  let same = 0;
  while (same < shorter - start && a.charCodeAt(a.length - 1 - same) === b.charCodeAt(b.length - 1 - same)) same += 1;
  if (same > 0 && isLow(a.charCodeAt(a.length - same))) same -= 1;
  return { start, endA: a.length - same, endB: b.length - same };
}

/** Words with the white space before them, and single marks. Joined they give the text again. */
export function words(text: string): string[] {
  return text.match(/\s*(?:[\p{L}\p{N}]+|[^\s])|\s+$/gu) ?? [];
}

/** Word difference by longest common subsequence; texts whose table would be huge become one replacement. */
export function diff(before: string, after: string, limit = 4_000_000): Change[] {
  const a = words(before);
  const b = words(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middleA = a.slice(head, a.length - tail);
  const middleB = b.slice(head, b.length - tail);
  const changes: Change[] = [];
  push(changes, "same", a.slice(0, head).join(""));
  if (middleA.length * middleB.length > limit) {
    push(changes, "del", middleA.join(""));
    push(changes, "ins", middleB.join(""));
  } else {
    walk(middleA, middleB, changes);
  }
  push(changes, "same", a.slice(a.length - tail).join(""));
  return changes;
}

function push(changes: Change[], op: Change["op"], text: string): void {
  if (text === "") return;
  const last = changes[changes.length - 1];
  if (last?.op === op) last.text += text;
  else changes.push({ op, text });
}

function walk(a: string[], b: string[], changes: Change[]): void {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) { push(changes, "same", a[i] as string); i += 1; j += 1; }
    else if (at(i + 1, j) >= at(i, j + 1)) { push(changes, "del", a[i] as string); i += 1; }
    else { push(changes, "ins", b[j] as string); j += 1; }
  }
  push(changes, "del", a.slice(i).join(""));
  push(changes, "ins", b.slice(j).join(""));
}

/** Long unchanged stretches keep only their ends next to a change. */
export function trimSame(changes: Change[], around = AROUND): Change[] {
  return changes.map((change, i) => {
    if (change.op !== "same" || change.text.length <= 2 * around + 5) return change;
    const head = i === 0 ? "" : cut(change.text, around);
    const tail = i === changes.length - 1 ? "" : cut(change.text, -around);
    return { op: "same", text: `${head} … ${tail}` };
  });
}
