/** The row under the vectors: the control one click away, what can be done with the picked token, the code. */

import { button, h, onClick, setAttribute, setInvisible, setOff, setText } from "../kit/dom";
import { quoted } from "../kit/numbers";
import { createAdding } from "./vectors/adding";
import { createCodePanel } from "../kit/controls/code";
import { any, type Context, type Section } from "./context";
import { createSweeping } from "./vectors/sweeping";

export function createTools(context: Context): Section {
  const { store, actions, signal } = context;
  const control = button("cotlens-button", "Random control", { "data-action": "control", "aria-pressed": "false" });
  const seed = button("cotlens-button cotlens-quiet", "", { "data-action": "seed" });
  const reset = button("cotlens-button", "All to 0", { "data-action": "reset" });
  const adding = createAdding(context);
  const sweeping = createSweeping(context);
  const code = createCodePanel(signal, () => store.now, (codeOpen) => store.set({ codeOpen }));
  const words = h("span", "cotlens-muted cotlens-small cotlens-picked-words");
  const rerun = button("cotlens-button", "Rerun from here", { "data-action": "rerun" });
  const here = button("cotlens-button", "Steer from here on", { "data-action": "here" });
  const span = button("cotlens-button", "Steer this stretch", { "data-action": "span" });
  const picked = h("span", "cotlens-picked-line", {}, words, rerun, here, span);
  const element = h("div", "cotlens-tools", {},
    h("div", "cotlens-line", {}, h("span", "cotlens-group", {}, adding.element, control, seed), picked, h("span", "cotlens-group cotlens-tail", {}, sweeping.element, reset, code.opener)), code.panel);

  onClick(control, signal, () => actions.control(!store.now.current.control));
  onClick(seed, signal, () => actions.control(true, store.now.current.seed + 1));
  onClick(reset, signal, () => actions.reset());
  onClick(rerun, signal, () => actions.rerun());
  onClick(here, signal, () => actions.apply("here"));
  onClick(span, signal, () => actions.apply("span"));

  function drawControl(): void {
    const { current, dials } = store.now;
    setAttribute(control, "aria-pressed", String(current.control));
    setOff(control, store.off, "the same strengths on random vectors of equal norm: what any push of this size does");
    setText(seed, `seed ${current.seed}`);
    setOff(seed, store.off, "another random vector");
    setInvisible(seed, !current.control);
    setOff(reset, store.off ?? (dials.every((dial) => dial.coefficient === 0) ? "All vectors are at 0." : null), "back to the baseline");
  }

  function drawPicked(): void {
    const { picked: now, vectors, active } = store.now;
    const text = now && store.textOf(now.document);
    if (!now || !text) {
      setText(words, "Click a token to rerun or steer from there.");
      for (const each of [rerun, here, span]) each.hidden = true;
      return;
    }
    const many = now.last - now.token > 1;
    setText(words, many ? `tokens ${now.token} to ${now.last - 1}` : `token ${now.token} ${quoted(text.piece(now.token))}`);
    const inBaseline = actions.inBaseline() !== null;
    const thinks = text.role("prompt");
    const before = thinks !== null && now.token < thinks.last;
    rerun.hidden = false;
    here.hidden = span.hidden = !inBaseline || vectors.length === 0;
    const name = vectors[active]?.name ?? "";
    setOff(rerun, store.off ?? (before ? "The prompt is not written by the model; pick a token after it." : null), "write again from this token, with the vectors as they are");
    setOff(here, store.off, `${name}: from this token on`);
    setOff(span, store.off ?? (many ? null : "Pick a stretch: click its first token, then its last with Shift."), `${name}: on these tokens only`);
  }

  return {
    element,
    update(changed) {
      if (any(changed, "current", "dials", "vectors", "active", "job", "alive", "broken")) drawControl();
      adding.update(changed);
      sweeping.update(changed);
      if (any(changed, "picked", "baseline", "steered", "control", "vectors", "active", "alive", "broken")) drawPicked();
      if (any(changed, "code", "codeOpen")) code.draw();
    },
  };
}
