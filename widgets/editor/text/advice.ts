/** Over the lower edge of the text: that the answers of rollouts can't be read, and what can be done about it. */

import { button, h, onClick, setText } from "../../kit/dom";
import { any, type Context, type Section } from "../context";

/** What closes the thought at every place and forces an answer there, instead of waiting for one. */
const FORCED = "early-answer";

export function createAdvice({ store, actions, root, signal }: Context): Section {
  const said = h("b");
  const why = h("span");
  const force = button("cotlens-button cotlens-primary", "Measure by Early answer", { "data-action": "force", title: "it closes the thought at every place and forces an answer there: no rollout has to end by itself" });
  const reader = button("cotlens-button", "Another reader…", { "data-action": "another-reader" });
  const close = button("cotlens-button", "Go on", { "data-action": "go-on", title: "leave it as it is" });
  const element = h("div", "cotlens-advice", { role: "status", hidden: true },
    h("span", "cotlens-notice-words", {}, said, " ", why), h("span", "cotlens-advice-acts", {}, force, reader, close));
  let dismissed = "";

  const about = (): string => `${store.payload.document?.id}/${JSON.stringify(store.payload.selection)}`;
  const forced = () => store.payload.measures.find(({ id, available }) => id === FORCED && available);
  const home = (): void => root.querySelector<HTMLElement>("[data-region=text]")?.focus({ preventScroll: true });
  const leave = (): void => { dismissed = about(); draw(); };

  onClick(force, signal, () => {
    const measure = forced();
    if (!measure) return;
    leave();
    home();
    const { target, unit } = store.selection;
    const same = measure.units.some((each) => each.id === unit && each.reason === null);
    actions.measure({ measure: FORCED, unit: same ? unit : measure.unit, metric: measure.metrics[0]?.id ?? null, n: 0, spans: null, target, confirmed: true });
  });
  onClick(reader, signal, () => { leave(); root.querySelector<HTMLElement>("[data-action=choices]")?.click(); });
  onClick(close, signal, () => { leave(); home(); });

  function draw(): void {
    const unread = store.payload.shading?.unread;
    element.hidden = !unread?.advice || dismissed === about() || store.off !== null || store.own.notice !== null;
    if (!unread) return;
    setText(said, `${unread.read.toLocaleString("en-US")} of ${unread.of.toLocaleString("en-US")} answers could be read.`);
    // Where none was read at all, the first part would say it once more.
    setText(why, unread.read > 0 ? unread.advice : unread.advice.split("; ").slice(1).join("; "));
    force.hidden = forced() === undefined;
  }

  return { element, update(changed) { if (any(changed, "shading", "selection", "document", "measures", "notice", "alive", "broken", "loading")) draw(); } };
}
