/** Messages to Python with rising ids; of several of one kind only the newest may still answer. */

import type { Request } from "./state";

export interface Reply { request_id: number; kind: "reply"; status: "ok" | "error"; error?: { message: string; remedy: string | null } }

export class Link {
  // Rising also across page reloads against a kernel that lives on.
  private last = Date.now();
  private readonly open = new Map<number, Request["kind"]>();

  constructor(private readonly post: (message: unknown) => void, private readonly failed: (reply: Reply, kind: Request["kind"]) => void) {}

  ask(request: Request): void {
    this.last += 1;
    for (const [id, kind] of this.open) if (kind === request.kind) this.open.delete(id);
    this.open.set(this.last, request.kind);
    this.post({ ...request, request_id: this.last });
  }

  /** Whether an answer is still awaited. */
  pending(kind: Request["kind"]): boolean { return [...this.open.values()].includes(kind); }

  receive(message: unknown): void {
    const reply = message as Partial<Reply> | null;
    if (reply?.kind !== "reply" || typeof reply.request_id !== "number") return;
    const kind = this.open.get(reply.request_id);
    this.open.delete(reply.request_id);
    if (kind && reply.status === "error") this.failed(reply as Reply, kind);
  }
}
