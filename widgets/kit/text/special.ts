/**
 * Characters that a page would not show, or that would reorder the text around them. A model can write them, by mistake
 * or to hide something, so each is drawn as a sign of its own. Data stays as it is: only what is drawn changes.
 */

const NAMES: Readonly<Record<string, string>> = {
  "\u007f": "DEL", "\u00ad": "SHY", "\u061c": "ALM", "\u180e": "MVS", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ",
  "\u200e": "LRM", "\u200f": "RLM", "\u2028": "LS", "\u2029": "PS", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF",
  "\u202d": "LRO", "\u202e": "RLO", "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
};

/** Controls but tab and line ends, line and paragraph separators, whatever Unicode lets a page ignore, lone surrogates. */
export const SPECIAL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb\p{Default_Ignorable_Code_Point}\p{Surrogate}]/u;
export const EACH_SPECIAL = new RegExp(SPECIAL.source, "gu");

/** Joiners and variation selectors shape the character before them; after one that they can shape, they are no secret. */
const JOINER = /[\u200c\u200d]/u;
const SELECTOR = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u;
const JOINED = /(?:(?!\p{Script=Latin})[\p{L}\p{M}]|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)$/u;
const SELECTED = /(?:\p{L}|\p{Emoji})$/u;

/** What stands for one such character: "␀" for the old controls, "[RLO]", "[TAG a]", "[U+FFF9]" for others. */
export function signOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code >= 0xe0020 && code < 0xe007f) return `[TAG ${String.fromCodePoint(code - 0xe0000)}]`;
  return `[${NAMES[char] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}]`;
}

/** The text as it can be drawn: every special character by its sign. */
export function drawable(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(EACH_SPECIAL, (char, at: number) => (shapes(char, text.slice(Math.max(0, at - 2), at)) ? char : signOf(char)));
}

/** What a screen reader says of a piece of text: what is seen of it, or what it is where that is nothing. */
export function spokenPiece(piece: string): string {
  // Drawn first: a byte order mark counts as white space where it stands for itself.
  return drawable(piece).trim() || (piece === "" ? "part of a character" : "white space");
}

function shapes(char: string, before: string): boolean {
  return JOINER.test(char) ? JOINED.test(before) : SELECTOR.test(char) && SELECTED.test(before);
}

/** What a token shows, and the class that stands for characters it does not show. */
export function shown(piece: string, atStart: boolean, atEnd: boolean): { text: string; mark: string } {
  let text = drawable(piece);
  let mark = "";
  const kept = text.trimEnd();
  // Not a pattern: one that looks for line ends among spaces takes the cube of a long run's length.
  if (atEnd && text.slice(kept.length).includes("\n")) { text = kept; mark = " cotlens-nl"; }
  else if (text.includes("\n")) mark = " cotlens-midnl";
  if (atStart && text.startsWith(" ") && !text.startsWith("  ")) text = text.slice(1);
  if (text === "" && mark === "") mark = piece === "" ? " cotlens-empty" : " cotlens-blank";
  return { text, mark };
}
