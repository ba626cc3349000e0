/** Requests to Python with rising ids. Of several of one kind only the newest may still answer. */

import type { Reply, Request } from "./state";

export type Post = (message: Request & { request_id: number }) => void;
type Handler = (reply: Reply) => void;

interface Open { kind: Request["kind"]; handler: Handler | undefined; sent: number; heard: boolean }

export class Requests {
  // Rising also across page reloads against a kernel that lives on.
  private last = Date.now();
  private readonly open = new Map<number, Open>();
  private readonly newest = new Map<Request["kind"], number>();

  constructor(private readonly post: Post, private readonly failed: (reply: Reply, kind: Request["kind"]) => void) {}

  /** Sends a request; `handler` gets its answers unless a newer request of the same kind was made meanwhile. */
  ask(request: Request, handler?: Handler): number {
    this.last += 1;
    const id = this.last;
    const older = this.newest.get(request.kind);
    if (older !== undefined) this.open.delete(older);
    this.newest.set(request.kind, id);
    this.open.set(id, { kind: request.kind, handler, sent: Date.now(), heard: false });
    this.post({ ...request, request_id: id });
    return id;
  }

  /** Takes a message from Python; anything but an answer to an open request is dropped. */
  receive(message: unknown): boolean {
    const reply = message as Partial<Reply> | null;
    if (reply?.kind !== "reply" || typeof reply.request_id !== "number") return false;
    const open = this.open.get(reply.request_id);
    if (!open) return false;
    if (reply.status !== "progress") this.open.delete(reply.request_id);
    this.heard();
    if (reply.status === "error") this.failed(reply as Reply, open.kind);
    open.handler?.(reply as Reply);
    return true;
  }

  /** Python said something: it is not blocked, whatever is still open. */
  heard(): void {
    for (const open of this.open.values()) open.heard = true;
  }

  /** Milliseconds for which the oldest open request has met only silence; 0 when there is none. */
  waiting(now = Date.now()): number {
    let longest = 0;
    for (const { sent, heard } of this.open.values()) if (!heard) longest = Math.max(longest, now - sent);
    return longest;
  }
}
