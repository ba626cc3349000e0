/** Focus that would fall to the page stays in the widget: where the focused element goes, an equal one takes over. */

/** Where keys are taken when nothing nearer is left: the first region in sight. */
const REGIONS = "[data-region][tabindex='0'], [data-region] [contenteditable=true]";

/** Neither gone, nor hidden, nor switched off. */
function usable(element: HTMLElement, root: HTMLElement): boolean {
  return root.contains(element) && element.closest("[hidden]") === null && !element.matches(":disabled");
}

/** A selector of what an element is by its data attributes; null where it has none. */
function nameOf(element: HTMLElement): string | null {
  const parts = Object.entries(element.dataset).filter(([key]) => !key.startsWith("lm"))
    .map(([key, value]) => `[data-${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}="${CSS.escape(value ?? "")}"]`);
  return parts.length ? element.localName + parts.join("") : null;
}

export function keepFocus(root: HTMLElement, signal: AbortSignal): void {
  let last: HTMLElement | null = null;
  let name: string | null = null;

  const active = (): Element | null => (root.getRootNode() as Document | ShadowRoot).activeElement;
  /** Nobody else has taken the focus: it is on the page, or still on what is about to go. */
  const fallen = (): boolean => { const now = active(); return now === null || now === last || now.contains(root); };

  function hand(): void {
    if (last === null || signal.aborted || usable(last, root) || !fallen()) return;
    const candidates = [...(name ? root.querySelectorAll<HTMLElement>(name) : []), ...root.querySelectorAll<HTMLElement>(REGIONS), root];
    candidates.find((each) => usable(each, root))?.focus({ preventScroll: true });
  }

  root.addEventListener("focusin", (event) => { last = event.target as HTMLElement; name = nameOf(last); }, { signal });
  root.addEventListener("focusout", () => {
    // Later, so that an element which is being taken away can be told from one that a person left.
    setTimeout(() => { if (last && usable(last, root) && active() !== last && !root.contains(active())) last = null; });
  }, { signal });
  const changes = new MutationObserver(hand);
  changes.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled"] });
  signal.addEventListener("abort", () => changes.disconnect());
}
