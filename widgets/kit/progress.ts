/** How far work is: a bar, and the time that is left, said only as long as it is true. */

import { duration } from "./numbers";

interface Counted { done: number; total: number | null; eta: number | null }

/** What ends sooner has ended before it is read. */
const LEAST_S = 2;
const TICK_MS = 1000;

/** " · about 8 s left", or nothing; `eta` was said `since` seconds ago, and what has not come true by then is not said again. */
export function leftWords(eta: number | null, since: number): string {
  const left = eta === null ? NaN : eta - since;
  return left >= LEAST_S ? ` · ${duration(left)} left` : "";
}

export interface Progress {
  /** Python said something of the job. */
  heard(): void;
  left(job: Counted): string;
  /** Hides the bar unless work is going on. */
  show(bar: HTMLProgressElement, running: boolean, job: Counted): void;
}

/** Calls `draw` every second while `running`, so that the time left counts down between two messages. */
export function followProgress(signal: AbortSignal, running: () => boolean, draw: () => void): Progress {
  let told = Date.now();
  const tick = setInterval(() => { if (running()) draw(); }, TICK_MS);
  signal.addEventListener("abort", () => clearInterval(tick));
  return {
    heard() { told = Date.now(); },
    left(job) { return leftWords(job.eta, (Date.now() - told) / 1000); },
    show(bar, now, { done, total }) {
      bar.hidden = !now;
      // Without a value the bar moves by itself: work has begun, and how far it is isn't known yet.
      if (now && total !== null && total > 0 && done > 0) bar.value = done / total;
      else bar.removeAttribute("value");
    },
  };
}
