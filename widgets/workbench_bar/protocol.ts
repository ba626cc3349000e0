// Written by tools/write_protocol.py from cotlens/widgets/protocol/workbench_bar.py and cotlens/widgets/workbench_bar.py: change those.

import type { Empty, Selected } from "../kit/protocol";

export type Width = "half" | "full";

/** Kind of request -> its fields. To "widen" gives an open panel the whole line, or half of it again. */
export type Request =
  | { kind: "open"; panel: string }
  | { kind: "close"; panel: string }
  | { kind: "widen"; panel: string };

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  names: string[];
  panels: Record<string, Width>;
  notice: string;
  selected: Selected | Empty;
}
