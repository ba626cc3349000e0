/** A text cut where findings begin and end, and the labels of thoughts; knows no DOM. */

import type { Panel, PanelFinding, PanelThought } from "./protocol";

/** A piece of text with the places of its findings in the thought's list. */
export interface Cut { text: string; findings: number[] }

/** The text in pieces; every finding that has a place covers whole pieces. */
export function pieces(thought: PanelThought): Cut[] {
  const { text, findings } = thought;
  const placed = findings.map((finding, at) => ({ at, ...within(finding, text.length) })).filter(({ start, end }) => start < end);
  const edges = [...new Set([0, text.length, ...placed.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => {
    const start = edges[i] as number;
    return { text: text.slice(start, end), findings: placed.filter((one) => one.start <= start && end <= one.end).map(({ at }) => at) };
  });
}

function within({ start, end }: PanelFinding, length: number): { start: number; end: number } {
  return { start: Math.max(0, Math.min(start, length)), end: Math.max(0, Math.min(end, length)) };
}

/** What a saved or foreign trait holds of labels and thoughts that this panel knows. */
export function known(given: unknown, { labels, thoughts }: Panel): Record<string, string> {
  if (typeof given !== "object" || given === null) return {};
  const keys = new Set(thoughts.map(({ key }) => key));
  return Object.fromEntries(Object.entries(given as Record<string, unknown>).filter((entry): entry is [string, string] => keys.has(entry[0]) && labels.includes(entry[1] as string)));
}

/** How many thoughts the monitors label alike, and how many both labelled. */
export function alike(thoughts: readonly PanelThought[]): [same: number, both: number] {
  const read = thoughts.filter(({ readings }) => readings.length === 2 && readings.every(({ label }) => label !== ""));
  return [read.filter(({ readings }) => readings[0]?.label === readings[1]?.label).length, read.length];
}

/** The finding after or before one, in the order of the list; from none the first or last. */
export function stepped(count: number, now: number | null, by: number): number | null {
  if (count === 0) return null;
  return now === null ? (by > 0 ? 0 : count - 1) : (now + by + count) % count;
}
