/** The Python that does what was clicked: a button, a panel under it, and a copy key. */

import { copy } from "../../kit/controls/copy";
import { button, h, onClick, setAttribute, setText, uniqueId } from "../../kit/dom";
import { any, type Context } from "../part";
import type { Key } from "../store";

export interface CodeView { opener: HTMLButtonElement; panel: HTMLElement; update(changed: ReadonlySet<Key>): void }

export function createCode({ store, signal, root }: Context): CodeView {
  const source = h("pre", "cotlens-code", { tabindex: 0, "aria-label": "Python code" });
  const copyButton = button("cotlens-button", "Copy", { "data-action": "copy" });
  const said = h("span", "cotlens-muted", { role: "status" });
  const panel = h("div", "cotlens-codepanel", { id: uniqueId("code"), hidden: true }, source,
    h("div", "cotlens-line", {}, copyButton, said));
  const opener = button("cotlens-button cotlens-codebutton", "{ } code", { "aria-expanded": "false", "aria-controls": panel.id, title: "the Python that gives what is shown" });

  const copyNow = async (): Promise<void> => {
    store.setOwn({ codeOpen: true });
    store.flush();
    setText(said, await copy(store.payload.code, source));
  };
  onClick(opener, signal, () => { setText(said, ""); store.setOwn({ codeOpen: !store.own.codeOpen }); });
  onClick(copyButton, signal, () => void copyNow());
  root.addEventListener("cotlens-copy", () => void copyNow(), { signal });

  return {
    opener,
    panel,
    update(changed) {
      if (any(changed, "code")) setText(source, store.payload.code || "# nothing was clicked yet");
      if (any(changed, "codeOpen")) {
        panel.hidden = !store.own.codeOpen;
        setAttribute(opener, "aria-expanded", String(store.own.codeOpen));
      }
    },
  };
}
