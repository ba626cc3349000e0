/**
 * What the pointer points at. Browsers also send events when text moves under a pointer that rests (a key scrolled it,
 * it was drawn anew); only a pointer that moves itself counts, so that it never hides what a key picked after it.
 */

/** A token is worth a look after this long, leaving one only after that: between two tokens lies a gap. */
const DWELL_MS = { on: 60, off: 250 };

export interface Pointing {
  /** Something else was chosen: what was pointed at before is no longer meant. */
  forget(): void;
}

/** Calls `point` with the element under the pointer once it has stayed there, and with null when it left `frame`. */
export function followPointer(content: HTMLElement, frame: HTMLElement, signal: AbortSignal, point: (target: Element | null) => void): Pointing {
  let dwell: ReturnType<typeof setTimeout> | undefined;
  let aimed: EventTarget | null = null;
  let rest: { x: number; y: number } | null = null;

  function forget(): void {
    clearTimeout(dwell);
    aimed = null;
  }

  content.addEventListener("pointermove", (event) => {
    const moved = rest === null || event.clientX !== rest.x || event.clientY !== rest.y;
    rest = { x: event.clientX, y: event.clientY };
    if (!moved || event.pointerType === "touch" || event.target === aimed) return;
    forget();
    aimed = event.target;
    const target = aimed as Element;
    dwell = setTimeout(() => point(target), target.closest("[data-token]") ? DWELL_MS.on : DWELL_MS.off);
  }, { signal });
  frame.addEventListener("pointerleave", () => { forget(); point(null); }, { signal });
  signal.addEventListener("abort", forget);
  return { forget };
}
