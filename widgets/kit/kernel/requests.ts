/** Requests to Python with rising ids. Of several of one kind only the newest may still answer. */

import type { Envelope } from "../protocol";

/** With what the request was for. */
export interface Reply extends Envelope { [part: string]: unknown }

type Handler = (reply: Reply) => void;

interface Open<R extends { kind: string }> { kind: R["kind"]; handler: Handler | undefined; sent: number; heard: boolean }

// Rising also across page reloads against a kernel that lives on. One for all views: an answer goes to all of them.
let last = Date.now();

export class Requests<R extends { kind: string }> {
  private readonly open = new Map<number, Open<R>>();

  /** `asking` hears whether any answer is still to come, each time that may have changed. */
  constructor(
    private readonly post: (message: R & { request_id: number }) => void,
    private readonly failed: (reply: Reply, kind: R["kind"]) => void,
    private readonly asking: (any: boolean) => void = () => {},
  ) {}

  /** Sends a request; `handler` gets its answers unless a newer request of the same kind was made meanwhile. */
  ask(request: R, handler?: Handler): number {
    last += 1;
    const id = last;
    for (const [older, open] of this.open) if (open.kind === request.kind) this.open.delete(older);
    this.open.set(id, { kind: request.kind, handler, sent: Date.now(), heard: false });
    this.asking(true);
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
    this.asking(this.open.size > 0);
    return true;
  }

  /** Whether a request of this kind has no answer yet. */
  waits(kind: R["kind"]): boolean {
    return [...this.open.values()].some((open) => open.kind === kind);
  }

  /** Python said something: it is not blocked, whatever is still open. */
  heard(): void {
    for (const open of this.open.values()) open.heard = true;
  }

  /** Milliseconds for which the oldest open request has met only silence; 0 when there is none. */
  silence(now = Date.now()): number {
    let longest = 0;
    for (const { sent, heard } of this.open.values()) if (!heard) longest = Math.max(longest, now - sent);
    return longest;
  }
}
