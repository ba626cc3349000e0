/** What a person can do, in one place for pointer and keys. */

import type { Dial, Place, Request } from "./protocol";
import type { Picked, Store } from "./store";

/** A hand on a slider asks at most this often; the last position is always asked for. */
const GAP_MS = 80;

/** 1.2000000000000002 is 1.2. */
export const rounded = (value: number): number => Number(value.toPrecision(12));

export class Actions {
  private sent = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The try that was asked for last; it may not be shown yet. */
  private heading = "";

  constructor(private readonly store: Store, signal: AbortSignal) {
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** Turns a dial. What does not change asks nothing. */
  turn(index: number, patch: Partial<Dial>): void {
    const { dials } = this.store.now;
    const dial = dials[index];
    if (!dial || this.store.off !== null) return;
    const next = { ...dial, ...patch };
    this.store.set({ active: index });
    if ((Object.keys(next) as (keyof Dial)[]).every((key) => next[key] === dial[key])) return;
    this.store.set({ dials: dials.map((each, i) => (i === index ? next : each)) });
    this.soon();
  }

  /** All vectors to 0. */
  reset(): void {
    this.store.set({ dials: this.store.now.dials.map((dial) => ({ ...dial, coefficient: 0 })) });
    this.soon();
  }

  /** Where the active vector applies, by what is picked in the baseline. */
  apply(place: Extract<Place, "here" | "span">): void {
    const picked = this.inBaseline();
    if (picked) this.turn(this.store.now.active, { place, start: picked.token, end: place === "span" ? picked.last : 0 });
  }

  rerun(): void {
    const { picked } = this.store.now;
    if (picked && this.store.off === null) this.store.requests.ask({ kind: "rerun", document: picked.document, token: picked.token });
  }

  /** One more vector, of what is picked or of a latent. */
  add(request: Extract<Request, { kind: "token" | "stretch" | "latent" }>): void {
    if (this.store.off === null) this.store.requests.ask(request);
  }

  /** Several strengths of a vector, up to `strength` on both sides. */
  sweep(vector: number, strength: number, rollouts: number): void {
    if (this.store.off === null) this.store.requests.ask({ kind: "sweep", vector, strength, rollouts });
  }

  control(on: boolean, seed = this.store.now.current.seed): void {
    if (this.store.off !== null) return;
    this.store.set({ shown: on ? "control" : "steered" });
    this.store.requests.ask({ kind: "control", on, seed });
  }

  /** At most so many tokens from now on; NaN is as many as fit what is replaced. Whether it could be asked for. */
  limit(tokens: number): boolean {
    const wanted = Number.isNaN(tokens) ? 0 : tokens;
    const right = this.store.off === null && Number.isSafeInteger(wanted) && wanted >= 0;
    if (right) this.store.requests.ask({ kind: "limits", max_new_tokens: wanted });
    return right;
  }

  goto(id: string): void {
    if (this.store.off !== null) return;
    this.heading = id;
    this.store.requests.ask({ kind: "goto", to: id });
  }

  /** The try before or after the current one. */
  step(by: number): void {
    const { tries } = this.store.now;
    const asked = this.store.requests.waits("goto");
    const to = tries[tries.findIndex((each) => (asked ? each.id === this.heading : each.current)) + by];
    if (to) this.goto(to.id);
  }

  cancel(): void {
    this.store.requests.ask({ kind: "cancel", job: this.store.now.job.id });
  }

  pick(document: string, token: number, extend = false): void {
    const { picked } = this.store.now;
    if (extend && picked?.document === document) this.store.set({ picked: { document, token: Math.min(picked.token, token), last: Math.max(picked.last, token + 1) } });
    else this.store.set({ picked: { document, token, last: token + 1 } });
  }

  /** The picked stretch if it lies in the baseline, where the places of vectors are counted. */
  inBaseline(): Picked | null {
    const { picked, baseline } = this.store.now;
    return picked && picked.document === baseline?.id ? picked : null;
  }

  private soon(): void {
    clearTimeout(this.timer);
    const wait = this.sent + GAP_MS - performance.now();
    if (wait <= 0) this.send();
    else this.timer = setTimeout(() => this.send(), wait);
  }

  private send(): void {
    this.sent = performance.now();
    this.store.steer();
  }
}
