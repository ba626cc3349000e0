/** Requests to Python with rising ids. Only the newest of each kind may still answer. */

import type { Reply, Request } from "./state";

export type Post = (message: Request & { request_id: number }) => void;

interface Open { kind: Request["kind"]; sent: number; heard: boolean }

export class Requests {
  // Rising also across page reloads against a kernel that lives on.
  private last = Date.now();
  private readonly open = new Map<number, Open>();

  constructor(private readonly post: Post, private readonly answered: (reply: Reply, kind: Request["kind"]) => void) {}

  ask(request: Request): void {
    this.last += 1;
    for (const [id, open] of this.open) if (open.kind === request.kind) this.open.delete(id);
    this.open.set(this.last, { kind: request.kind, sent: Date.now(), heard: false });
    this.post({ ...request, request_id: this.last });
  }

  /** Takes a message from Python; anything but the answer to an open request is dropped. */
  receive(message: unknown): void {
    const reply = message as Partial<Reply> | null;
    if (reply?.kind !== "reply" || typeof reply.request_id !== "number") return;
    const open = this.open.get(reply.request_id);
    if (!open) return;
    this.open.delete(reply.request_id);
    this.answered(reply as Reply, open.kind);
  }

  /** Whether a request of this kind has no answer yet. */
  waits(kind: Request["kind"]): boolean {
    return [...this.open.values()].some((open) => open.kind === kind);
  }

  /** Python said something: it is not blocked, whatever is still open. */
  heard(): void {
    for (const open of this.open.values()) open.heard = true;
  }

  /** Milliseconds for which the oldest open request has met only silence; 0 when there is none. */
  silence(now = Date.now()): number {
    return Math.max(0, ...[...this.open.values()].filter((open) => !open.heard).map((open) => now - open.sent));
  }
}
