/** Stands in for anywidget's model of a view that asks: keeps what was sent, echoes what Python would, and says yes. */

type Callback = (...values: never[]) => void;

export class AskingFake<S extends object> {
  readonly sent: { kind: string; request_id: number }[] = [];
  /** Off: requests stay unanswered, as with a busy kernel. */
  answering = true;
  private readonly callbacks = new Map<string, Set<Callback>>();

  constructor(private readonly state: S, private readonly echo: (request: { kind: string }, state: S) => Partial<S> = () => ({})) {}

  get<K extends keyof S>(key: K): S[K] { return this.state[key]; }

  on(event: string, callback: Callback): void {
    this.callbacks.set(event, (this.callbacks.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: Callback): void { this.callbacks.get(event)?.delete(callback); }

  save_changes(): void {}

  /** Sets traits as Python would, in one batch; a view sets one. */
  set<K extends keyof S>(given: Partial<S> | K, value?: S[K]): void {
    const patch = typeof given === "object" ? given : { [given]: value };
    Object.assign(this.state, patch);
    for (const key of Object.keys(patch)) this.emit(`change:${key}`);
  }

  emit(event: string, ...values: unknown[]): void {
    for (const callback of [...(this.callbacks.get(event) ?? [])]) (callback as (...all: unknown[]) => void)(...values);
  }

  listeners(): number {
    return [...this.callbacks.values()].reduce((sum, each) => sum + each.size, 0);
  }

  send(message: unknown): void {
    const request = message as { kind: string; request_id: number };
    this.sent.push(structuredClone(request));
    if (!this.answering) return;
    const reply = { kind: "reply", status: "ok", request_id: request.request_id };
    setTimeout(() => { this.set(this.echo(request, this.state)); this.emit("msg:custom", reply); }, 5);
  }
}
