/** One message over the lower edge of the text: an error with its remedy, or why an action is off. Nothing shifts. */

import { button, h, setAttribute, setText } from "../../kit/dom";
import { any, type Context, type Section } from "../context";

/** Remarks that need no answer leave by themselves. */
const STAYS_MS = 6000;

export function createNotice({ store, actions, signal }: Context): Section {
  const message = h("b");
  const remedy = h("span");
  const restore = button("cotlens-button", "Back to your text", { "data-action": "restore-committed", hidden: true });
  const close = button("cotlens-button", "Dismiss", { "data-action": "dismiss" });
  const element = h("div", "cotlens-notice", { role: "alert", hidden: true }, h("span", "cotlens-notice-words", {}, message, " ", remedy), restore, close);
  close.addEventListener("click", () => store.setOwn({ notice: null }), { signal });
  restore.addEventListener("click", () => actions.restore(), { signal });
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer));

  return {
    element,
    update(changed) {
      const { job } = store.payload;
      if (changed.has("job")) {
        if (job.state === "error") store.setOwn({ notice: { message: job.message ?? `${job.label} failed.`, remedy: job.remedy, tone: "error" } });
        else if (store.own.notice?.tone === "error" && store.running) store.setOwn({ notice: null });
      }
      if (!any(changed, "notice", "job")) return;
      const { notice } = store.own;
      element.hidden = notice === null;
      setText(message, notice?.message ?? "");
      setText(remedy, notice?.remedy ?? "");
      setAttribute(element, "data-tone", notice?.tone);
      const { discarded, editing } = store.own;
      restore.hidden = notice?.tone !== "error" || editing !== null || discarded?.document !== store.payload.document?.id;
      clearTimeout(timer);
      if (notice?.tone === "info") timer = setTimeout(() => { if (store.own.notice === notice) store.setOwn({ notice: null }); }, STAYS_MS);
    },
  };
}
