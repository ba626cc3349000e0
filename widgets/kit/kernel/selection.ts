/** What is picked in a view, kept alike with the trait that linked widgets share. */

import type { Selected } from "../protocol";

/** The model's `selected`. */
export interface SelectedTrait { get(): unknown; save(selected: Selected): void }

/** What a view has picked, and what that is to others. */
export interface Picking<P> {
  now(): P | null;
  pick(to: P | null): void;
  /** What a selection is to this view; undefined where it is about something that isn't shown. */
  find(selected: Selected): P | null | undefined;
  /** The parts of a selection that this view tells, undefined for those that were let go. */
  tell(picked: P | null): { [K in keyof Selected]: Selected[K] | undefined };
}

export interface SharedPick {
  /** The trait changed, or what is shown. */
  follow(): void;
  /** What is picked changed. */
  told(): void;
}

/** Tokens of the trace that is shown: null where a selection has none, undefined where it is about another trace. */
export function tokensIn({ trace, span }: Selected, shown: string): [first: number, last: number] | null | undefined {
  if (trace && shown && trace !== shown) return undefined;
  return span && span[0] < span[1] ? span : null;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Parts that a view doesn't tell stay as others left them. What came from elsewhere is never told again in this view's own units. */
export function sharedPick<P>(trait: SelectedTrait, { now, pick, find, tell }: Picking<P>): SharedPick {
  const given = (): Selected => {
    const found = trait.get();
    return found && typeof found === "object" ? found as Selected : {};
  };
  const said = (selected: Selected): boolean => Object.entries(tell(now())).every(([part, value]) => same(selected[part as keyof Selected], value));
  return {
    follow() {
      const to = find(given());
      if (to !== undefined && !same(to, now()) && !said(given())) pick(to);
    },
    told() {
      if (same(find(given()) ?? null, now()) || said(given())) return;
      trait.save(Object.fromEntries(Object.entries({ ...given(), ...tell(now()) }).filter(([, value]) => value !== undefined)));
    },
  };
}
