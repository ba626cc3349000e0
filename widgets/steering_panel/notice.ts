/** One message over the lower edge of the texts: an error with its remedy. Nothing shifts. */

import { button, h, onClick, setText } from "../kit/dom";
import { any, type Context, type Section } from "./context";

export function createNotice({ store, signal }: Context): Section {
  const message = h("b");
  const remedy = h("span");
  const close = button("cotlens-button", "Dismiss", { "data-action": "dismiss" });
  const element = h("div", "cotlens-notice", { role: "alert", hidden: true }, h("span", "cotlens-notice-words", {}, message, " ", remedy), close);
  onClick(close, signal, () => store.set({ notice: null }));
  return {
    element,
    update(changed) {
      if (!any(changed, "notice")) return;
      const { notice } = store.now;
      element.hidden = notice === null;
      setText(message, notice?.message ?? "");
      setText(remedy, notice?.remedy ?? "");
    },
  };
}
