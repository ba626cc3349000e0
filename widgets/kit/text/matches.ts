/** Where a text holds what is looked for, whatever the case. Linear in the text, also where both repeat themselves. */

/** The text in lower case with every character in its place: the few whose lower case is longer stay as they are. */
function folded(text: string): string {
  const lower = text.toLowerCase();
  const same = lower.length === text.length ? lower
    : Array.from(text, (char) => (char.toLowerCase().length === char.length ? char.toLowerCase() : char)).join("");
  // A sigma is another letter at the end of a word, and where a word ends differs between a text and a part of it.
  return same.replaceAll("\u03c2", "\u03c3");
}

/** The start of every match, ascending, none inside another (Knuth, Morris and Pratt). */
export function matches(text: string, wanted: string): number[] {
  const found: number[] = [];
  const [hay, needle] = [folded(text), folded(wanted)];
  if (needle === "") return found;
  const falls = fallsOf(needle);
  let have = 0;
  for (let at = 0; at < hay.length; at += 1) {
    const unit = hay.charCodeAt(at);
    while (have > 0 && unit !== needle.charCodeAt(have)) have = falls[have - 1] as number;
    if (unit === needle.charCodeAt(have)) have += 1;
    if (have < needle.length) continue;
    found.push(at - have + 1);
    have = 0;
  }
  return found;
}

/** For every beginning of the text, the length of its longest proper beginning that is its end as well. */
function fallsOf(text: string): Uint32Array {
  const falls = new Uint32Array(text.length);
  let have = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (have > 0 && text.charCodeAt(at) !== text.charCodeAt(have)) have = falls[have - 1] as number;
    if (text.charCodeAt(at) === text.charCodeAt(have)) have += 1;
    falls[at] = have;
  }
  return falls;
}
