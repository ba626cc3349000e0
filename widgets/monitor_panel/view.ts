/** Thoughts as rows, what monitors found on their text, and a person's own label beside theirs. */

import { button, h, onClick, setAttribute, setText, uniqueId } from "../kit/dom";
import { createFoot, type KeyWords } from "../kit/controls/foot";
import { onKey } from "../kit/keys";
import { count } from "../kit/numbers";
import { Observed } from "../kit/kernel/observed";
import type { CodePanel } from "../kit/controls/code";
import { sharedCode, type SharedLock, type Traits } from "../kit/kernel/display-only";
import { sharedPick } from "../kit/kernel/selection";
import { alike, known, stepped } from "./model";
import type { Panel } from "./protocol";
import { createReading } from "./reading";
import { createRows } from "./rows";

/** The browser's own state; Python sees the labels alone. */
export interface Own { row: number; finding: number | null; labels: Record<string, string> }
export interface Context { own: Observed<Own>; panel: Panel; code: CodePanel; signal: AbortSignal; say(label: string | null): void }
export interface Section { element: HTMLElement; update(changed: ReadonlySet<keyof Own>): void }

const MANY: readonly KeyWords[] = [[["↑", "↓"], "thought"]];
const KEYS: readonly KeyWords[] = [[["←", "→"], "finding"], [["1", "…"], "your label"], [["0"], "take it back"], [["C"], "code"], [["Esc"], "let go"]];
const MOST_KEYS = 9;

export function decode(get: (key: string) => unknown): Panel | null {
  const panel = get("panel") as Panel | null;
  return panel && Array.isArray(panel.thoughts) && panel.thoughts.length > 0 && Array.isArray(panel.labels) && Array.isArray(panel.monitors) ? panel : null;
}

export function draw(root: HTMLElement, panel: Panel | null, signal: AbortSignal, _lock: SharedLock, traits: Traits): void {
  if (!panel) { root.append(h("p", "cotlens-note", {}, "There are no readings to show.")); return; }
  const labels = (): Record<string, string> => known(traits.get("labels"), panel);
  const own = new Observed<Own>({ row: 0, finding: null, labels: labels() });
  traits.follow("labels", () => own.set({ labels: labels() }), signal);
  const say = (label: string | null): void => {
    const { key } = panel.thoughts[own.now.row] as { key: string };
    const { [key]: _, ...others } = own.now.labels;
    const next = label === null || own.now.labels[key] === label ? others : { ...others, [key]: label };
    own.set({ labels: next });
    traits.save("labels", next);
  };
  const context: Context = { own, panel, code: sharedCode(root, traits, signal), signal, say };
  const alone = panel.thoughts.length === 1; // then there is nothing to choose among
  const sections: Section[] = [createHead(context), createRows(context), createReading(context), createOwn(context)];
  const foot = createFoot(alone ? KEYS : [...MANY, ...KEYS]);
  foot.marks([["cotlens-sample-first", panel.monitors.length > 1 ? "found by the first" : "found"], ...(panel.monitors.length > 1 ? [["cotlens-sample-second", "by the second"] as const] : []), ["cotlens-sample-guess", "a suggestion only"]]);
  const [head, list, reading, choices] = sections.map(({ element }) => element) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  root.append(head, h("div", alone ? "cotlens-main cotlens-alone" : "cotlens-main", {}, ...(alone ? [] : [h("div", "cotlens-pane", {}, list)]), h("div", "cotlens-side", {}, reading, choices)), foot.element);
  listenForKeys(root, context, alone ? reading : list);
  const update = (changed: ReadonlySet<keyof Own>): void => { for (const section of sections) section.update(changed); };
  own.subscribe(update, signal);
  update(new Set(Object.keys(own.now) as (keyof Own)[]));
  sharePlace(context, traits);
}

interface Place { row: number; finding: number | null }

/** The thought and the finding that are looked at, for linked widgets too. */
function sharePlace({ own, panel, signal }: Context, traits: Traits): void {
  const shared = sharedPick<Place>({ get: () => traits.get("selected"), save: (selected) => traits.save("selected", selected) }, {
    now: () => ({ row: own.now.row, finding: own.now.finding }),
    pick: (to) => own.set(to ?? { finding: null }),
    find({ trace, span }) {
      const row = panel.thoughts.findIndex(({ id }) => id === trace);
      if (row < 0) return undefined;
      const at = panel.thoughts[row]?.findings.findIndex(({ tokens: [first, last] }) => span !== undefined && first < span[1] && last > span[0]) ?? -1;
      return { row, finding: at < 0 ? null : at };
    },
    tell(place) {
      const thought = panel.thoughts[place?.row ?? 0];
      const found = thought?.findings[place?.finding ?? -1];
      const tokens = found && found.tokens[0] < found.tokens[1] ? found.tokens : undefined;
      return { trace: thought?.id, span: tokens, unit: tokens && "span", findings: found && [found.category] };
    },
  });
  traits.follow("selected", () => shared.follow(), signal);
  own.subscribe((changed) => { if (changed.has("row") || changed.has("finding")) shared.told(); }, signal);
  shared.follow();
}

function createHead({ own, panel, code }: Context): Section {
  const status = h("span", "cotlens-status", { role: "status" });
  const [same, both] = alike(panel.thoughts);
  const failed = panel.monitors.map((_, at) => panel.thoughts.filter(({ readings }) => readings[at]?.label === "").length);
  const said = [
    panel.monitors.length > 1 ? `${both - same} of ${both} differ, these first` : count(panel.thoughts.length, "thought"),
    ...failed.flatMap((n, at) => (n > 0 ? [`${n} not read by ${panel.monitors[at] ?? ""}`] : [])),
  ];
  return {
    element: h("div", "cotlens-top", {}, h("div", "cotlens-head", {}, h("span", "cotlens-model", {}, panel.monitors.join(" beside ")), status, code.opener), code.panel),
    update(changed) {
      if (changed.has("labels")) setText(status, [...said, `${Object.keys(own.now.labels).length} labelled by you`].join(" · "));
    },
  };
}

function createOwn({ own, panel, signal, say }: Context): Section {
  const title = h("span", "", { id: uniqueId("own") }, "Your label:");
  const choices = panel.labels.map((label, at) => {
    const choice = button("cotlens-labelkey", at < MOST_KEYS ? `${at + 1} ${label}` : label);
    onClick(choice, signal, () => say(label));
    return choice;
  });
  return {
    element: h("div", "cotlens-own", { role: "group", "aria-labelledby": title.id }, title, ...choices),
    update() {
      const mine = own.now.labels[panel.thoughts[own.now.row]?.key ?? ""];
      choices.forEach((choice, at) => setAttribute(choice, "aria-pressed", String(mine === panel.labels[at])));
    },
  };
}

function listenForKeys(root: HTMLElement, { own, panel, signal, say }: Context, home: HTMLElement): void {
  const last = panel.thoughts.length - 1;
  const go = (row: number) => () => own.set({ row: Math.max(0, Math.min(last, row)), finding: null });
  const step = (by: number) => () => own.set({ finding: stepped(panel.thoughts[own.now.row]?.findings.length ?? 0, own.now.finding, by) });
  onKey(root, signal, (event) => {
    if (event.ctrlKey || event.metaKey) return null;
    const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit === 0) return () => say(null);
    if (digit !== null) { const label = panel.labels[digit - 1]; return label === undefined ? null : () => say(label); }
    switch (event.key) {
      case "ArrowDown": return go(own.now.row + 1);
      case "ArrowUp": return go(own.now.row - 1);
      case "PageDown": return go(own.now.row + 10);
      case "PageUp": return go(own.now.row - 10);
      case "Home": return go(0);
      case "End": return go(last);
      case "ArrowRight": return step(1);
      case "ArrowLeft": return step(-1);
      case "Escape": return () => { own.set({ finding: null }); home.focus({ preventScroll: true }); };
      default: return null;
    }
  });
}
