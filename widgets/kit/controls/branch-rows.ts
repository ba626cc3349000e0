/** Branches as the lines of a tree. */

import type { BranchInfo } from "../protocol";

type Branch = Pick<BranchInfo, "id" | "parent">;

export interface Row<B> { branch: B; depth: number }

/** Depth-first order. A branch whose parent is unknown stands at the root; a cycle can't hang it. */
export function rows<B extends Branch>(branches: readonly B[]): Row<B>[] {
  const known = new Set(branches.map((branch) => branch.id));
  const children = new Map<string | null, B[]>();
  for (const branch of branches) {
    const parent = branch.parent !== null && known.has(branch.parent) && branch.parent !== branch.id ? branch.parent : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(branch);
    else children.set(parent, [branch]);
  }
  const out: Row<B>[] = [];
  const seen = new Set<string>();
  // With a list of its own: a chain of branches may be longer than calls can nest.
  const below = (parent: string | null, depth: number): Row<B>[] => (children.get(parent) ?? []).map((branch) => ({ branch, depth })).reverse();
  const waiting = below(null, 0);
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    if (seen.has(row.branch.id)) continue;
    seen.add(row.branch.id);
    out.push(row);
    for (const each of below(row.branch.id, row.depth + 1)) waiting.push(each);
  }
  for (const branch of branches) if (!seen.has(branch.id)) out.push({ branch, depth: 0 });
  return out;
}
