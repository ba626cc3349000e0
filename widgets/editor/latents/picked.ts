/** Which tokens are latents, and which of them are picked. */

import type { TokenRange } from "../../kit/text/text";
import type { LatentChip } from "../state";
import type { Store } from "../store";

/** Which latent a token is, from 0; -1 for a word. */
export function latentOf({ payload: { latents } }: Store, token: number): number {
  return latents?.chips.findIndex((chip) => chip.token === token) ?? -1;
}

/** The latents among tokens first..last, in order. */
export function latentsIn({ payload: { latents } }: Store, { first, last }: TokenRange): LatentChip[] {
  return latents?.chips.filter(({ token }) => token >= first && token < last) ?? [];
}

/** The picked tokens; none are first and last alike. */
export function pickedTokens({ own: { picked } }: Store): TokenRange {
  if (picked === null) return { first: 0, last: 0 };
  return { first: picked.token, last: picked.kind === "range" ? picked.last : picked.token + 1 };
}

/** The picked latents, where nothing else is picked. */
export function pickedLatents(store: Store): LatentChip[] {
  const range = pickedTokens(store);
  const chips = latentsIn(store, range);
  return chips.length === range.last - range.first ? chips : [];
}
