/** Stands in for anywidget's model on a page without a kernel: keeps what was sent, and answers what needs no model. */

import type { WidgetModel } from "../kit/kernel/bind";
import type { Alternative, Request, State } from "../editor/state";

type Callback = (...values: never[]) => void;

export class FakeModel implements WidgetModel<State> {
  readonly sent: (Request & { request_id: number })[] = [];
  /** Off: requests stay unanswered, as with a busy kernel. */
  answering = true;
  private readonly callbacks = new Map<string, Set<Callback>>();

  constructor(private readonly state: State) {}

  get<K extends keyof State>(key: K): State[K] { return this.state[key]; }

  on(event: string, callback: Callback): void {
    const known = this.callbacks.get(event) ?? new Set();
    this.callbacks.set(event, known.add(callback));
  }

  off(event: string, callback: Callback): void { this.callbacks.get(event)?.delete(callback); }

  /** Sets traits as Python would, in one batch; a view sets one. */
  set<K extends keyof State>(given: Partial<State> | K, value?: State[K]): void {
    const patch = typeof given === "object" ? given : { [given]: value };
    Object.assign(this.state, patch);
    for (const key of Object.keys(patch)) this.emit(`change:${key}`);
  }

  save_changes(): void {}

  emit(event: string, ...values: unknown[]): void {
    for (const callback of [...(this.callbacks.get(event) ?? [])]) (callback as (...all: unknown[]) => void)(...values);
  }

  listeners(): number {
    return [...this.callbacks.values()].reduce((sum, each) => sum + each.size, 0);
  }

  send(message: unknown): void {
    const request = message as Request & { request_id: number };
    this.sent.push(request);
    if (!this.answering) return;
    const payload = this.answer(request);
    setTimeout(() => this.emit("msg:custom", { kind: "reply", status: "ok", request_id: request.request_id, ...payload }), 5);
  }

  private answer(request: Request): Record<string, unknown> {
    if (request.kind === "count") return { tokens: Math.max(1, Math.round(request.text.length / 3)) };
    if (request.kind === "inspect") return this.inspect(request.token);
    if (request.kind === "goto") {
      setTimeout(() => this.set({ branches: this.state.branches.map((branch) => ({ ...branch, current: branch.id === request.branch })) }), 5);
    }
    return {};
  }

  private inspect(token: number): Record<string, unknown> {
    const text = this.state.document as { text?: string };
    const offsets = this.state.token_offsets;
    const piece = (text.text ?? "").slice(offsets.getUint32(4 * token, true), offsets.getUint32(4 * token + 4, true));
    const logprob = this.state.logprobs.getFloat32(4 * token, true);
    const p = Math.exp(logprob);
    const others = [" the", " so", " 4", " and", ".", " he", " 6"].filter((each) => each !== piece);
    let left = 1 - p;
    const alternatives: Alternative[] = others.map((each, i) => { const share = left * 0.6; left -= share; return { token_id: i, text: each, logprob: Math.log(share), chosen: false }; });
    alternatives.push({ token_id: 99, text: piece, logprob, chosen: true });
    alternatives.sort((a, b) => (b.logprob ?? 0) - (a.logprob ?? 0));
    return { token, text: piece, role: "thought", sentence: 0, logprob, alternatives, rewritten: false };
  }
}
