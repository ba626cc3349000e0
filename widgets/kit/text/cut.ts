/** Texts cut short for display. A character of two UTF-16 units stays whole: half of one could not be drawn. */

export function isHigh(code: number): boolean { return code >= 0xd800 && code <= 0xdbff; }
export function isLow(code: number): boolean { return code >= 0xdc00 && code <= 0xdfff; }

function splits(text: string, at: number): boolean {
  return isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
}

/** At most so many UTF-16 units from the beginning of a text, or for a negative number from its end. */
export function cut(text: string, units: number): string {
  if (units >= 0) return text.slice(0, splits(text, units) ? units - 1 : units);
  const from = Math.max(0, text.length + units);
  return text.slice(splits(text, from) ? from + 1 : from);
}

/** The same with a sign for what was left out. */
export function shortened(text: string, units: number): string {
  return text.length > units ? `${cut(text, units)}…` : text;
}
