/** How a text ended, in the same words wherever it is said. */

import type { EditorDocument } from "../state";

type Ended = Pick<EditorDocument, "finish" | "thought_closed">;

const ENDED: Record<string, string> = { stop: "the model itself", length: "the token limit", cancelled: "cancelling", given: "given as text" };

/** "the model itself": of a thought that was never closed, that it was ended there. */
export function endedBy({ finish, thought_closed: closed }: Ended): string {
  const by = ENDED[finish] ?? finish;
  return closed || finish === "given" ? by : `${by}, inside the thought`;
}

/** Why a thought has no end, and what to do. */
export function unclosedWords(finish: string): string {
  const why: Record<string, string> = {
    length: "it ran into the limit of new tokens", cancelled: "the run was cancelled", given: "it was given without its end",
    stop: "the model ended its turn inside it",
  };
  return `The thought was never closed: ${why[finish] ?? "it has no end marker"}. Rerun from its last sentence to let the model go on, or truncate it to hear an answer.`;
}
