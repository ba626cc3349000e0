/** How far work is: a bar, and the time that is left, said only as long as it is true. */

import { count, duration } from "../numbers";

export interface Counted { done: number; total: number | null; eta: number | null }
/** Text that is being written: so many tokens of at most so many. */
export interface Writing { tokens: number; limit: number }

/** What ends sooner has ended before it is read. */
const LEAST_S = 2;
const TICK_MS = 1000;

/** " · about 8 s left", or nothing; `eta` was said `since` seconds ago, and what has not come true by then is not said again. */
export function leftWords(eta: number | null, since: number): string {
  const left = eta === null ? NaN : eta - since;
  return left >= LEAST_S ? ` · ${duration(left)} left` : "";
}

/** " · 3 of 9", or where the model writes and the job itself counts nothing, " · 12 of 200 tokens". */
export function farWords({ done, total }: Counted, writing: Writing | null): string {
  if (total !== null) return ` · ${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`;
  return writing === null ? "" : ` · ${writing.tokens.toLocaleString("en-US")} of ${count(writing.limit, "token")}`;
}

/** The job as the bar shows it: by the tokens that are written where it counts nothing itself. */
export function counted<J extends Counted>(job: J, writing: Writing | null): J {
  return job.total === null && writing !== null ? { ...job, done: writing.tokens, total: writing.limit } : job;
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
