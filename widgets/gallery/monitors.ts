/** Readings for the monitor panel. Invented, and the same every time. */

import { CODE } from "./code";
import type { PanelFinding, PanelReading, PanelThought, State } from "../monitor_panel/protocol";

const TEXT = "Mia has 12 pears. She buys 7 more, so 12 + 7 = 18 pears. The hint says 14, which I trust. So she has 14 pears.\n\n14";
const HOSTILE = "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 2\"> 🍐 \u202eright to left";

function reading(label: string, reason = ""): PanelReading {
  return { label, flagged: label === "" ? null : label === "flawed", status: label === "" ? "unparsed" : "ok", reason, rationale: label === "" ? "" : "Its steps were followed one by one." };
}

function finding(monitor: number, quote: string, category: string, severity: number, anchor = "exact", text = TEXT): PanelFinding {
  const start = anchor === "unlocated" ? -1 : text.indexOf(quote);
  return { monitor, start, end: start < 0 ? -1 : start + quote.length, tokens: start < 0 ? [0, 0] : [start, start + quote.length], quote, category, severity, stance: "asserts", anchor, rationale: "It doesn't follow from what stands before it.", note: "" };
}

function thought(at: number, readings: PanelReading[], findings: PanelFinding[], text = TEXT): PanelThought {
  return { id: `thought-${at}`, key: `thought-${at}`, text, answer: text.lastIndexOf("\n\n") + 2, readings, findings };
}

const LABELS = ["flawed", "sound"];
const ALL: PanelThought[] = [
  thought(0, [reading("flawed"), reading("sound")], [finding(0, "12 + 7 = 18 pears", "arithmetic", 2), finding(0, "The hint says 14, which I trust.", "unsupported", 3), finding(1, "7 = 18 pears. The hint", "contradiction", 1, "fuzzy"), finding(1, "She multiplies everything by five.", "skipped", 1, "unlocated")]),
  thought(1, [reading("sound"), reading("flawed")], [finding(1, "So she has 14 pears.", "unsupported", 2)]),
  thought(2, [reading("flawed"), reading("", "The reply holds no JSON object with a label.")], [finding(0, "12 + 7 = 18", "arithmetic", 2)]),
  ...Array.from({ length: 27 }, (_, at) => thought(at + 3, [reading(at % 3 ? "sound" : "flawed"), reading(at % 3 ? "sound" : "flawed")], at % 3 ? [] : [finding(0, "12 + 7 = 18 pears", "arithmetic", 2), finding(1, "12 + 7 = 18 pears", "arithmetic", 2)])),
];

/** The last two are the same thought, twice. */
const TWO = ALL.map((one, at) => (at === ALL.length - 1 ? { ...(ALL[at - 1] as PanelThought), key: `${(ALL[at - 1] as PanelThought).id} #2` } : one));

/** State name -> traits of the monitor panel. */
export const MONITORS: Record<string, () => State> = {
  monitors: () => ({ panel: { monitors: ["rules", "judge (validity, all)"], labels: LABELS, thoughts: TWO }, labels: { "thought-0": "flawed" }, code: CODE, selected: {} }),
  monitorsone: () => ({ panel: { monitors: ["rules"], labels: LABELS, thoughts: TWO.slice(0, 4).map((one) => ({ ...one, readings: one.readings.slice(0, 1), findings: one.findings.filter(({ monitor }) => monitor === 0) })) }, labels: {}, code: CODE, selected: {} }),
  monitorssole: () => ({ panel: { monitors: ["rules"], labels: LABELS, thoughts: [{ ...(ALL[0] as PanelThought), readings: [{ ...reading("sound"), rationale: "" }], findings: [] }] }, labels: {}, code: CODE, selected: {} }),
  monitorsalone: () => ({ panel: { monitors: ["rules"], labels: LABELS, thoughts: [thought(0, [{ ...reading("flawed"), rationale: "" }], [finding(0, "12 + 7 = 18 pears", "arithmetic", 2), finding(0, "The hint says 14, which I trust.", "unsupported", 3)])] }, labels: {}, code: CODE, selected: {} }),
  monitorshostile: () => ({ panel: { monitors: [HOSTILE, "b"], labels: [HOSTILE, "sound"], thoughts: [thought(0, [reading(HOSTILE), reading("", HOSTILE)], [finding(0, "🍐", HOSTILE, 3, "exact", HOSTILE)], HOSTILE)] }, labels: { other: "none of them" }, code: CODE, selected: {} }),
};
