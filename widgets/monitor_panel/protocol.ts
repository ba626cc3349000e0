// Written by tools/write_protocol.py from cotlens/widgets/protocol/monitor_panel.py and cotlens/widgets/monitor_panel.py: change those.

import type { Empty, Selected } from "../kit/protocol";

/** A finding of one monitor; characters start..end of the thought's text, -1 where its quote stands nowhere. */
export interface PanelFinding {
  monitor: number;
  start: number;
  end: number;
  /** Of the trace, the first and the one after the last; (0, 0) where its quote stands nowhere. */
  tokens: [number, number];
  quote: string;
  category: string;
  severity: number;
  stance: string;
  anchor: string;
  rationale: string;
  note: string;
}

/** What one monitor says; `label` is "" where it failed, and `reason` says why. */
export interface PanelReading {
  label: string;
  flagged: boolean | null;
  status: string;
  reason: string;
  rationale: string;
}

/** A thought with its answer, which begins at `answer`; readings stand in the order of the monitors. */
export interface PanelThought {
  id: string;
  /** By which a person's label is kept: the id, with a number from the second thought of this id on. */
  key: string;
  text: string;
  answer: number;
  readings: PanelReading[];
  findings: PanelFinding[];
}

/** One or two monitors on the same thoughts. */
export interface Panel {
  monitors: string[];
  labels: string[];
  thoughts: PanelThought[];
}

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  panel: Panel | Empty;
  labels: Record<string, string>;
  code: string;
  selected: Selected | Empty;
}
