// Written by tools/write_protocol.py from cotlens/widgets/protocol/branch_tree.py and cotlens/widgets/branch_tree.py: change those.

import type { BranchInfo, BranchKind, Change, Empty, Selected } from "../kit/protocol";

/** How many of several branches, or rollouts, gave an answer, None for none that could be read; Wilson, 95 %. */
export interface FanInfo {
  answer: string | null;
  count: number;
  share: number;
  low: number;
  high: number;
}

/** A branch with what was changed and what came of it, in words; "" where there is nothing to say. */
export interface TreeBranch extends BranchInfo {
  kind: BranchKind;
  change: string;
  from_parent: string;
  from_root: string;
  tokens: number;
  note: string;
  tags: string[];
  /** It, or what it was made from, was put out of sight. */
  pruned: boolean;
  /** What rollouts of it answered. */
  fan: FanInfo[];
}

/** Two branches side by side, or what many answer: then `diff` is empty. */
export interface Compared {
  branches: string[];
  words: string;
  diff: Change[];
  fan: FanInfo[];
}

/** Kind of request -> its fields. To "compare" two shows their difference, more of them what they answer. */
export type Request =
  | { kind: "goto"; branch: string }
  | { kind: "rename"; branch: string; text: string }
  | { kind: "annotate"; branch: string; text: string }
  | { kind: "tag"; branch: string; tags: string[] }
  | { kind: "prune"; branch: string }
  | { kind: "restore"; branch: string }
  | { kind: "compare"; branches: string[] }
  | { kind: "undo" }
  | { kind: "redo" };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  branches: TreeBranch[];
  compared: Compared | Empty;
  code: string;
  alive: boolean;
  selected: Selected | Empty;
}
