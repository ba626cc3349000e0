/** From traits to payload. Nothing that arrives can make the view fail: what does not fit counts as absent. */

import { indicesOf } from "../kit/kernel/bytes";
import type { Job } from "../kit/protocol";
import type { Current, State } from "./protocol";
import type { Payload } from "./state";

export const IDLE: Job = { id: null, state: "idle", label: "", done: 0, total: null, eta: null, message: null, remedy: null };
const NOWHERE: Current = { dials: [], control: false, seed: 0, places: [] };

export const EMPTY: Payload = {
  head: { model: "", where: "", note: "", latents: 0, most: 0, limit: 0 },
  vectors: [],
  current: NOWHERE,
  baseline: null,
  baseline_offsets: new Uint32Array(1),
  steered: null,
  steered_offsets: new Uint32Array(1),
  control: null,
  control_offsets: new Uint32Array(1),
  unsteered: null,
  unsteered_offsets: new Uint32Array(1),
  stream: null,
  findings: null,
  sweep: null,
  tries: [],
  job: IDLE,
  code: "",
  selected: null,
  alive: true,
};

export const KEYS = Object.keys(EMPTY) as (keyof Payload)[];

type Raw = State[keyof State] | undefined | null;

function present<T>(raw: Raw): T | null {
  return raw && typeof raw === "object" && Object.keys(raw).length > 0 ? (raw as T) : null;
}

/** Decodes one trait. */
export function decode<K extends keyof Payload>(key: K, raw: Raw): Payload[K] {
  const value = ((): unknown => {
    switch (key) {
      case "baseline_offsets": case "steered_offsets": case "control_offsets": case "unsteered_offsets":
        return raw instanceof DataView && raw.byteLength >= 4 ? indicesOf(raw) : EMPTY[key];
      case "head": case "current": case "job": return { ...EMPTY[key] as object, ...(present<object>(raw) ?? {}) };
      case "vectors": case "tries": return Array.isArray(raw) ? raw : [];
      case "alive": return raw !== false;
      case "code": return typeof raw === "string" ? raw : "";
      default: return present(raw);
    }
  })();
  return value as Payload[K];
}

export function decodeAll(get: (key: keyof State) => Raw): Payload {
  return Object.fromEntries(KEYS.map((key) => [key, decode(key, get(key))])) as unknown as Payload;
}
