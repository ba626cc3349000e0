/** From traits to payload. Nothing that arrives can make the view fail: what does not fit counts as absent. */

import type { EditorPayload, Job, State } from "./state";

export const IDLE: Job = { id: null, state: "idle", label: "", done: 0, total: null, eta: null, message: null, remedy: null };

export const EMPTY: EditorPayload = {
  head: { model: "", where: "", note: "" },
  limits: null,
  loading: null,
  branches: [],
  document: null,
  parts: [],
  token_offsets: new Uint32Array(1),
  logprobs: new Float32Array(0),
  findings: [],
  measures: [],
  selection: { measure: null, unit: "token", metric: null, n: 0, spans: [], target: "" },
  place: null,
  readers: [],
  shading: null,
  shading_rows: new Uint32Array(0),
  shading_values: new Float32Array(0),
  shading_low: new Float32Array(0),
  shading_high: new Float32Array(0),
  shading_certainty: new Uint8Array(0),
  shading_status: {},
  shading_facts: [],
  whole: null,
  inside: null,
  latents: null,
  moved: null,
  scale_lock: null,
  strip: null,
  strip_at: new Uint32Array(0),
  strip_values: new Float32Array(0),
  resampled: null,
  comparison: null,
  job: IDLE,
  stream: null,
  code: "",
  selected: null,
  alive: true,
};

export const KEYS = Object.keys(EMPTY) as (keyof EditorPayload)[];

type Raw = State[keyof State] | undefined | null;

/** A typed array over bytes that need not be aligned; Python writes little-endian, as every browser reads. */
function words<T extends Uint32Array | Float32Array>(type: { new (buffer: ArrayBuffer): T }, raw: Raw): T {
  if (!(raw instanceof DataView)) return new type(new ArrayBuffer(0));
  const length = raw.byteLength - (raw.byteLength % 4);
  return new type(raw.buffer.slice(raw.byteOffset, raw.byteOffset + length) as ArrayBuffer);
}

/** The object, unless it is null or {}. */
function present<T>(raw: Raw): T | null {
  return raw && typeof raw === "object" && Object.keys(raw).length > 0 ? (raw as T) : null;
}

/** Decodes one trait. */
export function decode<K extends keyof EditorPayload>(key: K, raw: Raw): EditorPayload[K] {
  const value = ((): unknown => {
    switch (key) {
      case "token_offsets": {
        const offsets = words(Uint32Array, raw);
        return offsets.length ? offsets : EMPTY.token_offsets;
      }
      case "strip_at": case "shading_rows": return words(Uint32Array, raw);
      case "shading_certainty": return raw instanceof DataView ? new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength) : EMPTY[key];
      case "logprobs": case "shading_values": case "shading_low": case "shading_high": case "strip_values":
        return words(Float32Array, raw);
      case "loading": {
        const loading = present<{ active: boolean }>(raw);
        return loading?.active ? loading : null;
      }
      case "limits": case "document": case "shading": case "strip": case "stream": case "resampled": case "comparison": case "scale_lock": case "whole": case "inside": case "latents": case "moved": return present(raw);
      case "head": case "selection": case "job": return { ...EMPTY[key] as object, ...(present<object>(raw) ?? {}) };
      case "alive": return raw !== false;
      case "code": return typeof raw === "string" ? raw : "";
      case "branches": case "parts": case "findings": case "measures": case "readers": case "shading_facts": return Array.isArray(raw) ? raw : [];
      default: return present(raw) ?? EMPTY[key];
    }
  })();
  return value as EditorPayload[K];
}

export function decodeAll(get: (key: keyof State) => Raw): EditorPayload {
  const payload = { ...EMPTY } as Record<string, unknown>;
  for (const key of KEYS) payload[key] = decode(key, get(key));
  return payload as unknown as EditorPayload;
}
