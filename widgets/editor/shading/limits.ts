/** How much, and how freely, the model writes in one action: shown in the head, and changed there. */

import { h, setAttribute, setText } from "../../kit/dom";
import { menu } from "../../kit/controls/menu";
import { count } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";

export function createLimits({ store, actions, signal }: Context): Section {
  const tokens = field("tokens", { min: 1, step: 1 });
  const temperature = field("temperature", { min: 0, step: 0.1 });
  const opener = menu("cotlens-button cotlens-quiet cotlens-limits", "", signal, () => { fill(); tokens.focus(); tokens.select(); });
  const line = (words: string, input: HTMLInputElement, note: string): HTMLElement =>
    h("label", "cotlens-limit", {}, h("span", "", {}, words), input, h("span", "cotlens-small cotlens-muted", {}, note));
  const [most, heat] = [h("span"), h("span")];
  opener.opener.append(most, h("span", "cotlens-wide", {}, " tokens"), heat);
  opener.panel.append(
    line("at most", tokens, "tokens in one action"),
    line("temperature", temperature, "0 writes the likeliest token each time"),
  );
  for (const input of [tokens, temperature]) {
    input.addEventListener("change", () => {
      if (!actions.limit(tokens.valueAsNumber, temperature.valueAsNumber)) fill();
    }, { signal });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // else it would press the button that gets the focus
      opener.close();
      opener.opener.focus();
    }, { signal });
  }

  function fill(): void {
    const { limits } = store.payload;
    tokens.value = String(limits?.max_new_tokens ?? "");
    temperature.value = String(limits?.temperature ?? "");
  }

  return {
    element: opener.element,
    update(changed) {
      if (!any(changed, "limits", "alive", "broken", "loading")) return;
      const { limits } = store.payload;
      opener.element.hidden = limits === null;
      if (limits === null) return;
      setText(most, `≤ ${limits.max_new_tokens.toLocaleString("en-US")}`);
      setText(heat, ` · T ${limits.temperature}`);
      opener.opener.disabled = store.off !== null;
      setAttribute(opener.opener, "title", store.off ?? `The model writes at most ${count(limits.max_new_tokens, "token")} in one action, at temperature ${limits.temperature}. Click to change it.`);
      if (!opener.panel.contains(document.activeElement)) fill();
    },
  };
}

function field(name: string, range: { min: number; step: number }): HTMLInputElement {
  return h("input", "cotlens-field", { type: "number", "data-limit": name, "aria-label": name, ...range });
}
