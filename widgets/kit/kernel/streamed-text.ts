/** Text that is being written arrives in pieces, each once: a view that came late, or missed one, asks for all of it. */

import type { Piece } from "../protocol";

/** Stands for what is still to come. */
const MISSING = "… ";

export class StreamedText {
  private id = -1;
  private text = "";
  private whole = true;
  private asked = false;

  /** `ask` sends for all of the text, which comes as a piece, too; where it doesn't come, `refused` has to be called. */
  constructor(private readonly ask: () => void) {}

  /** What was asked for doesn't come: the next piece asks again. */
  refused(): void { this.asked = false; }

  /** The piece with all that was written before it. */
  follow<P extends Piece>(piece: P): P {
    if (piece.id !== this.id) { this.id = piece.id; this.text = ""; this.whole = true; this.asked = false; }
    if (piece.at === 0 || (this.whole && piece.at <= this.text.length)) {
      this.text = this.text.slice(0, piece.at) + piece.text;
      this.whole = true;
      this.asked = false;
    } else {
      // Not at once: a store may just be in the making, and nobody can send its messages yet.
      if (!this.asked) queueMicrotask(this.ask);
      this.asked = true;
      this.text += (this.whole ? MISSING : "") + piece.text;
      this.whole = false;
    }
    return { ...piece, text: this.text };
  }
}
