/** Makes documents for the gallery: text, tokens, sentences, and figures that are invented but the same every time. */

import type { EditorDocument, EditInfo } from "../editor/state";

/** Deterministic numbers in 0..1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Pieces as a byte-level tokenizer makes them: words with the space before, one token per digit, marks alone. */
export function tokenise(text: string): string[] {
  return text.match(/\n+| ?[A-Za-z]{1,7}|[A-Za-z]+| ?\d|[ \t]+(?=[ \t\n])| ?[^\sA-Za-z\d]|\s/gu) ?? [];
}

export interface Parts { prompt: string; thought: string[]; answer: string; closed?: boolean; finish?: string; notes?: string[] }

export interface Made { document: EditorDocument; offsets: Uint32Array; thought: { first: number; last: number } }

/** A document of the three parts. Sentences are given; the marks between parts belong to no role. */
export function make(id: string, parts: Parts, more: Partial<EditorDocument> = {}): Made {
  const pieces: string[] = [];
  const roles: EditorDocument["roles"] = [];
  const sentences: EditorDocument["sentences"] = [];
  const offsets: number[] = [0];
  let at = 0;
  const put = (text: string): void => {
    for (const piece of tokenise(text)) { pieces.push(piece); at += piece.length; offsets.push(at); }
  };
  put("<|user|>");
  roles.push({ role: "prompt", start: at, end: at + parts.prompt.length });
  put(parts.prompt);
  put("<think>");
  const thoughtStart = at;
  const first = pieces.length;
  parts.thought.forEach((sentence, i) => {
    const lead = i === 0 ? "" : sentence.startsWith("\n") ? "" : " ";
    const from = { char: at + lead.length, token: pieces.length };
    put(lead + sentence);
    sentences.push({ start: from.char, end: at, first: from.token, last: pieces.length });
  });
  roles.push({ role: "thought", start: thoughtStart, end: at });
  const last = pieces.length;
  if (parts.closed !== false) put("</think>");
  if (parts.answer !== "") {
    roles.push({ role: "answer", start: at, end: at + parts.answer.length });
    put(parts.answer);
  }
  return {
    document: {
      id, text: pieces.join(""), roles, n_tokens: pieces.length, sentences, edit: null, rewritten_from: null, rerun_at: null,
      finish: parts.finish ?? "stop", thought_closed: parts.closed !== false, notes: parts.notes ?? [], ...more,
    },
    offsets: Uint32Array.from(offsets),
    thought: { first, last },
  };
}

/** Where `words` first stands in the thought, as an edit that put it there. */
export function editAt(made: Made, words: string, old: string, more: Partial<EditInfo> = {}): EditInfo {
  const from = made.document.roles.find((role) => role.role === "thought")?.start ?? 0;
  const at = made.document.text.indexOf(words, from);
  return { kind: "replace", at, end: at + words.length, old, new: words, surprise: 5.81, surprise_was: 0.41, tokens: 2, ...more };
}

export function bytes(values: Float32Array | Uint32Array | Uint8Array): DataView {
  return new DataView(values.buffer, values.byteOffset, values.byteLength);
}
