/** The Python that does what was turned: a button, a panel under it, and a copy key. */

import { copy } from "../kit/controls/copy";
import { button, h, onClick, setAttribute, setText, uniqueId } from "../kit/dom";
import { any, type Context } from "./part";
import type { Key } from "./store";

export interface CodeView { opener: HTMLButtonElement; panel: HTMLElement; update(changed: ReadonlySet<Key>): void }

export function createCode({ store, signal }: Context): CodeView {
  const source = h("pre", "cotlens-code", { tabindex: 0, "aria-label": "Python code" });
  const copyButton = button("cotlens-button", "Copy", { "data-action": "copy" });
  const said = h("span", "cotlens-muted cotlens-small", { role: "status" });
  const panel = h("div", "cotlens-codepanel", { id: uniqueId("code"), hidden: true }, source, h("div", "cotlens-line", {}, copyButton, said));
  const opener = button("cotlens-button cotlens-codebutton", "{ } code", { "data-action": "code", "aria-expanded": "false", "aria-controls": panel.id, title: "the Python that gives what is shown" });
  onClick(opener, signal, () => { setText(said, ""); store.set({ codeOpen: !store.now.codeOpen }); });
  onClick(copyButton, signal, async () => setText(said, await copy(store.now.code, source)));
  return {
    opener,
    panel,
    update(changed) {
      if (any(changed, "code")) setText(source, store.now.code);
      if (any(changed, "codeOpen")) {
        panel.hidden = !store.now.codeOpen;
        setAttribute(opener, "aria-expanded", String(store.now.codeOpen));
      }
    },
  };
}
