/**
 * What the pointer points at. Browsers also send events when text moves under a pointer that rests (a key scrolled it,
 * it was drawn anew); only a pointer that moves itself counts, so that it never hides what a key picked after it.
 */

/** A token is worth a look after this long, leaving one only after that: between two tokens lies a gap. */
const DWELL_MS = { on: 60, off: 250 };

/** How long the way may take from the text to where something can be done with what was pointed at. */
const WAY_MS = 500;

export interface Pointing {
  /** Something else was chosen: what was pointed at before is no longer meant. */
  forget(): void;
}

/** The text, all that it stands in, and by selector where the pointer may go without letting go, and where it lets go at once. */
export interface Ground { content: HTMLElement; frame: HTMLElement; root: HTMLElement; keeps: string; drops: string }

/** Calls `point` with the element under the pointer once it has stayed there, and with null when it has gone elsewhere. */
export function followPointer({ content, frame, root, keeps, drops }: Ground, signal: AbortSignal, point: (target: Element | null) => void): Pointing {
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
  frame.addEventListener("pointerleave", forget, { signal });
  let away: ReturnType<typeof setTimeout> | undefined;
  const leave = (): void => { clearTimeout(away); away = setTimeout(() => point(null), WAY_MS); };
  root.addEventListener("pointerover", (event) => {
    const target = event.target as Element;
    if (frame.contains(target) || target.closest(keeps)) clearTimeout(away);
    else if (target.closest(drops)) { clearTimeout(away); point(null); }
    else leave();
  }, { signal });
  root.addEventListener("pointerleave", leave, { signal });
  signal.addEventListener("abort", () => clearTimeout(away));
  signal.addEventListener("abort", forget);
  return { forget };
}
