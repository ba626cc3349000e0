/** One message: an error with its remedy, or why an action is off. It stays until it is dismissed or another takes its place. */

import { button, h, onClick, setAttribute, setText } from "../dom";
import type { Section } from "../section";

/** What is watched of a view's own state. */
interface Own { readonly now: { readonly notice: { message: string; error?: boolean } | null }; set(patch: { notice: null }): void }

export function createNotice<Key>(own: Own, key: Key, signal: AbortSignal): Section<Key> {
  const words = h("span", "cotlens-notice-words");
  const close = button("cotlens-button", "Dismiss", { "data-action": "dismiss" });
  const element = h("div", "cotlens-notice", { role: "alert", hidden: true }, words, close);
  onClick(close, signal, () => own.set({ notice: null }));
  return {
    element,
    update(changed) {
      if (!changed.has(key)) return;
      const { notice } = own.now;
      element.hidden = notice === null;
      setText(words, notice?.message ?? "");
      setAttribute(element, "data-tone", notice?.error ? "error" : "info");
    },
  };
}
