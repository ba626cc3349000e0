/** Puts the sections of the map together. Knows the DOM and a payload, nothing of the notebook. */

import { h, setText } from "../kit/dom";
import { createFind } from "../kit/text/find";
import { createFoot, type MarkWords } from "../kit/controls/foot";
import { setIntensity } from "../kit/heat/heat";
import { Observed } from "../kit/kernel/observed";
import { tokensIn } from "../kit/kernel/selection";
import { sharedCode, sharePicked, type SharedLock, type Traits } from "../kit/kernel/display-only";
import { createHead } from "./head";
import { KEYS, listenForKeys } from "./keys";
import { ScoreMap } from "./model";
import { scaleNow, type Context, type Own, type Section } from "./context";
import { createReading, type ReadingSection } from "./reading";
import { createSide } from "./side";
import type { Context as Around, Score } from "./protocol";
import { createStrip } from "./strip";

export interface Payload { scores: Score[]; around: Around | null }

export function decode(get: (key: string) => unknown): Payload {
  const scores = get("scores");
  const around = get("context") as Partial<Around> | null;
  return {
    scores: Array.isArray(scores) ? scores as Score[] : [],
    around: around?.prompt || around?.answer ? { prompt: around.prompt ?? "", answer: around.answer ?? "" } : null,
  };
}

export function draw(root: HTMLElement, { scores, around }: Payload, signal: AbortSignal, sharedLock: SharedLock, traits: Traits): void {
  const maps = scores.map((score) => new ScoreMap(score));
  const map = maps[0];
  if (!map) { root.append(h("p", "cotlens-note", {}, "There is no score to show.")); return; }
  const own = new Observed<Own>({
    map, picked: null, onlyClear: map.judged && map.number("clear") > 0, intensity: 0.5, sort: "size", descending: true,
    seen: { first: 0, last: 0 }, over: "all", lock: sharedLock.now(),
  });
  sharedLock.follow(() => own.set({ lock: sharedLock.now() }), signal);
  const context: Context = { own, around, maps, sharedLock, code: sharedCode(root, traits, signal), root, signal };
  const head = createHead(context);
  const reading: ReadingSection = createReading(context, () => find.refresh());
  const find = createFind(root, signal, () => reading.text);
  const strip = createStrip(context, (unit, pick) => { reading.reveal(unit, "center"); if (pick) own.set({ picked: unit }); });
  const side = createSide(context);
  const foot = createFoot(KEYS);
  const status = h("p", "cotlens-unseen", { role: "status", "aria-live": "polite" });
  root.append(head.element, strip.element, h("div", "cotlens-main", {}, h("div", "cotlens-pane", {}, reading.element, find.element), side.element), foot.element, status);
  listenForKeys(context, reading.element);

  const sections: Section[] = [head, strip, side, reading];
  const update = (changed: ReadonlySet<keyof Own>): void => {
    if (changed.has("intensity")) setIntensity(root, own.now.intensity);
    if (changed.has("map")) { foot.marks(marksOf(own.now.map)); root.classList.toggle("cotlens-by-sentence", !own.now.map.isToken); }
    if (changed.has("map") || changed.has("over") || changed.has("lock")) own.now.map.colour(scaleNow(context).scale - own.now.map.score.base);
    for (const section of sections) section.update(changed);
    if (changed.has("map")) find.refresh();
    if (changed.has("picked") && own.now.picked !== null) {
      reading.reveal(own.now.picked);
      setText(status, own.now.map.spoken(own.now.picked));
    }
  };
  own.subscribe(update, signal);
  update(new Set(Object.keys(own.now) as (keyof Own)[]));
  sharePicked(traits, own, "picked", {
    find(selected) {
      const tokens = tokensIn(selected, own.now.map.score.trace);
      return tokens && (own.now.map.unitAt(...tokens) ?? undefined);
    },
    tell(unit) {
      const { score, first, last } = own.now.map;
      if (unit === null) return { span: undefined, unit: undefined };
      return { ...(score.trace ? { trace: score.trace } : {}), span: [first[unit] as number, last[unit] as number], unit: score.unit };
    },
  }, signal);
}

function marksOf({ score, judged }: ScoreMap): readonly MarkWords[] {
  return [
    ...(score.signed ? [["cotlens-sample-up", "raises"], ["cotlens-sample-down", "lowers"]] as MarkWords[] : []),
    ...(judged ? [["cotlens-sample-ns", "may be no effect"]] as MarkWords[] : []),
    ["cotlens-sample-none", "not measured"],
  ];
}
