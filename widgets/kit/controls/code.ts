/** The Python that gives what is shown: a button, a panel under it, and a copy key. */

import { button, h, onClick, setAttribute, setText, uniqueId } from "../dom";
import { onKey } from "../keys";
import { copy } from "./copy";

/** What a store knows of the panel. */
interface CodeState { code: string; codeOpen: boolean }

export interface CodePanel {
  opener: HTMLButtonElement;
  panel: HTMLElement;
  /** Opens the panel and copies, as its own key does. */
  copyNow(): Promise<void>;
  draw(): void;
}

export function createCodePanel(signal: AbortSignal, state: () => CodeState, setOpen: (open: boolean) => void): CodePanel {
  const source = h("pre", "cotlens-code", { tabindex: 0, "aria-label": "Python code" });
  const copyButton = button("cotlens-button", "Copy", { "data-action": "copy" });
  const said = h("span", "cotlens-muted cotlens-small");
  const panel = h("div", "cotlens-codepanel", { id: uniqueId("code"), hidden: true }, source, h("div", "cotlens-line", {}, copyButton, said));
  const opener = button("cotlens-button cotlens-codebutton", "{ } code", {
    "data-action": "code", "aria-expanded": "false", "aria-controls": panel.id, title: "the Python that gives what is shown",
  });
  const draw = (): void => {
    const { code, codeOpen } = state();
    setText(source, code || "# nothing was clicked yet");
    panel.hidden = !codeOpen;
    setAttribute(said, "role", codeOpen ? "status" : null); // a view has one that is always there
    setAttribute(opener, "aria-expanded", String(codeOpen));
  };
  const copyNow = async (): Promise<void> => {
    setOpen(true);
    draw(); // a hidden text can't be selected, which is how it is copied on plain http
    setText(said, await copy(state().code, source));
  };
  onClick(opener, signal, () => { setText(said, ""); setOpen(!state().codeOpen); });
  onClick(copyButton, signal, () => void copyNow());
  return { opener, panel, copyNow, draw };
}

/** The code of a view that keeps no more of it than whether it is open. C copies it, Escape closes it. */
export function createOwnCode(root: HTMLElement, signal: AbortSignal, code: () => string): CodePanel {
  let open = false;
  const panel = createCodePanel(signal, () => ({ code: code(), codeOpen: open }), (to) => { open = to; panel.draw(); });
  onKey(root, signal, ({ key, ctrlKey, metaKey }) => {
    if (ctrlKey || metaKey) return null;
    if (key === "Escape") return open ? () => { open = false; panel.draw(); panel.opener.focus(); } : null;
    return key.toLowerCase() === "c" ? () => void panel.copyNow() : null;
  });
  panel.draw();
  return panel;
}
