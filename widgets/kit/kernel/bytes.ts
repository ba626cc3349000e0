/** Typed arrays over the bytes that Python sends (little-endian, as every browser reads). What is no bytes is empty. */

function copy(raw: unknown, size: number): ArrayBuffer {
  if (!(raw instanceof DataView)) return new ArrayBuffer(0);
  // The bytes of a message need not be aligned.
  const length = raw.byteLength - (raw.byteLength % size);
  return raw.buffer.slice(raw.byteOffset, raw.byteOffset + length) as ArrayBuffer;
}

export function floatsOf(raw: unknown): Float32Array { return new Float32Array(copy(raw, 4)); }
export function indicesOf(raw: unknown): Uint32Array { return new Uint32Array(copy(raw, 4)); }
export function bytesOf(raw: unknown): Uint8Array { return new Uint8Array(copy(raw, 1)); }
