/** The reading view: prompt, thought and answer as blocks of which only the visible ones exist. */

import { latentOf } from "../latents/picked";
import { letGo, pointAt, wholeRow } from "../../kit/text/cells";
import { shortened } from "../../kit/text/cut";
import { button, h, setAttribute, setOff, setText, uniqueId } from "../../kit/dom";
import { drawable, spokenPiece } from "../../kit/text/special";
import type { Findable } from "../../kit/text/find";
import { duration, probability, signed } from "../../kit/numbers";
import { bisect } from "../../kit/text/text";
import { VirtualList } from "../../kit/virtual";
import { drawBlock, paint, paintStop, type Drawn } from "./block-view";
import { blocksOf, type Block } from "./blocks";
import { insideLine } from "./inside";
import { changeTokens, latentWords } from "../latents/chips";
import { partLine } from "./parts";
import { any, type Context, type Section } from "../context";
import { followPointer } from "./pointing";

const LINE = 25;

export interface ReadingSection extends Section {
  /** For the search. */
  text: Findable;
  /** Brings a token into view. */
  reveal(token: number, where?: "nearest" | "center"): void;
  focus(): void;
}

export function createReading({ store, actions, root, signal }: Context, framed: (first: number, last: number) => void, settled: () => void): ReadingSection {
  const content = h("div", "cotlens-content", { role: "presentation" });
  const element = h("div", "cotlens-reading", {
    role: "grid", tabindex: 0, "aria-label": "tokens of prompt, thought and answer", "aria-readonly": "true", "data-region": "text",
  }, content);
  const currentId = uniqueId("token");
  let blocks: Block[] = [];
  let firsts: number[] = [];
  let textBlocks: number[] = [];
  const drawn = new Map<number, Drawn>();
  let marked: HTMLElement[] = [];
  let streamNode: Text | null = null;

  const list = new VirtualList(element, content, signal, () => {
    const { first, last } = list.visible();
    const seen = textBlocks.filter((index) => index >= first && index <= last);
    const a = blocks[seen[0] ?? -1];
    const b = blocks[seen[seen.length - 1] ?? -1];
    framed(a?.kind === "text" ? a.first : 0, b?.kind === "text" ? b.last : 0);
    mark();
    settled();
  });

  function answerNote(): string {
    const { comparison, branches } = store.payload;
    const current = branches.find((branch) => branch.current);
    if (store.payload.document?.rerun_at != null && !store.payload.stream) return store.text.role("answer") ? "of the text before the edit" : "not written yet";
    if (comparison && !store.payload.stream) {
      const [before, after] = [comparison.before?.answer ?? null, comparison.after?.answer ?? null];
      if (after === null) return "no answer could be read";
      return before === after ? `still ${after}` : `was ${before ?? "not readable"}, now ${after}`;
    }
    if (!current) return "";
    return current.answer === null ? "no answer could be read" : `read as ${current.answer}${current.p === null ? "" : `, probability ${probability(current.p)}`}`;
  }

  function rebuild(): void {
    const { document: shown, stream, loading } = store.payload;
    drawn.clear();
    streamNode = null;
    blocks = shown ? blocksOf(store.text, shown, { promptOpen: store.own.promptOpen, parts: store.payload.parts, unfolded: store.own.unfolded, stream, gone: !store.connected, answerNote: answerNote(), inside: (sentence) => store.inside(sentence), latents: store.payload.latents }) : [];
    if (!shown) blocks = [{ kind: "note", text: loading ? "" : "There is no trace to show yet.", tone: "plain" }];
    textBlocks = blocks.flatMap((block, index) => (block.kind === "text" ? [index] : []));
    firsts = textBlocks.map((index) => (blocks[index] as Extract<Block, { kind: "text" }>).first);
    setAttribute(element, "aria-rowcount", blocks.length);
    list.reset({ count: blocks.length, estimate, render: row, drop: (index) => { drawn.delete(index); } });
  }

  function estimate(index: number): number {
    const block = blocks[index] as Block;
    if (block.kind === "text") {
      if (block.folded) return 2 * LINE + 4;
      if (block.latents) return Math.ceil((block.last - block.first) / Math.max(4, (element.clientWidth - 60) / 40)) * 38 + 8;
      const perLine = Math.max(20, (element.clientWidth - 124) / 7.3);
      const chars = store.text.start(block.last) - store.text.start(block.first);
      return Math.max(1, Math.ceil(chars / perLine)) * LINE + 4;
    }
    if (block.kind === "said") return Math.ceil(block.text.length / Math.max(20, (element.clientWidth - 124) / 7.3)) * LINE + 4;
    return block.kind === "label" ? 30 : LINE + 4;
  }

  function row(index: number): HTMLElement {
    const drawnRow = render(index);
    setAttribute(drawnRow, "aria-rowindex", index + 1);
    return drawnRow;
  }

  function render(index: number): HTMLElement {
    const block = blocks[index] as Block;
    if (block.kind === "text") {
      const each = drawBlock(block, store);
      drawn.set(index, each);
      paint(each, store);
      return each.element;
    }
    if (block.kind === "label") return label(block);
    if (block.kind === "part") return part(block);
    if (block.kind === "said") {
      return wholeRow("cotlens-block cotlens-prompt", h("span", "cotlens-num"), h("span", "cotlens-bar"), h("p", "cotlens-text", {}, block.text));
    }
    if (block.kind === "inside") return insideLine(block.row);
    if (block.kind === "cut") return cut(block);
    if (block.kind === "removed") {
      return wholeRow("cotlens-block cotlens-removed", h("span", "cotlens-num"), h("span", "cotlens-bar"),
        h("p", "cotlens-text", {}, h("del", "cotlens-del", { title: "cut off here" }, shortened(block.text, 400).trim())));
    }
    if (block.kind === "stream") {
      streamNode = document.createTextNode(streamed());
      const written = wholeRow(`cotlens-block cotlens-${block.role}${store.connected ? " cotlens-streaming" : ""}`,
        h("span", "cotlens-num"), h("span", "cotlens-bar"), h("p", "cotlens-text", {}, streamNode));
      setAttribute(written, "aria-label", store.connected ? "text being written" : "text that was being written");
      return written;
    }
    return loadingOr(block);
  }

  /** A thought is looked at where somebody can be asked for it; else it is unfolded, as all others are. */
  function part(block: Extract<Block, { kind: "part" }>): HTMLElement {
    const { thought } = block.part;
    const looks = store.lost === null;
    return partLine(block, looks, () => {
      const fold = (): void => actions.fold(block.at);
      if (looks && thought !== null) actions.lookAt(thought, fold);
      else fold();
    });
  }

  function cut({ words, rerun }: Extract<Block, { kind: "cut" }>): HTMLElement {
    const said = h("span", "", {}, words);
    if (!rerun) return wholeRow("cotlens-cut", said);
    const again = button("cotlens-button cotlens-primary", "Rerun from the edit", { "data-action": "rerun-edit" });
    setOff(again, store.off, "let the model go on from the edit");
    again.addEventListener("click", () => { element.focus({ preventScroll: true }); actions.rerunEdit(); });
    return wholeRow("cotlens-cut cotlens-unrun", said, again);
  }

  function loadingOr(block: Extract<Block, { kind: "note" }>): HTMLElement {
    const { loading } = store.payload;
    if (!loading || store.payload.document) return wholeRow(`cotlens-note${block.tone === "warn" ? " cotlens-warn" : ""}`, block.text);
    const rows = [92, 74, 83, 58].map((width) => { const row = h("i", "cotlens-bone"); row.style.width = `${width}%`; return row; });
    return wholeRow("cotlens-loading", h("p", "", {}, loadingWords()), ...rows);
  }

  function loadingWords(): string {
    const { loading } = store.payload;
    if (!loading) return "";
    const since = loading.since > 0 ? Date.now() / 1000 - loading.since : 0;
    return `Loading ${loading.label}${since >= 1 ? `, ${duration(since).replace("about ", "")} so far` : ""}. The text appears here.`;
  }

  function label(block: Extract<Block, { kind: "label" }>): HTMLElement {
    const parts: Node[] = [h("span", "cotlens-role-name", {}, block.role)];
    if (block.foldable) {
      const fold = button("cotlens-link", store.own.promptOpen ? "fold" : `show all ${block.note}`, { "data-action": "fold" });
      fold.addEventListener("click", () => store.setOwn({ promptOpen: !store.own.promptOpen }));
      parts.push(fold);
    } else if (block.note) parts.push(h("span", "cotlens-muted", {}, block.note));
    return wholeRow("cotlens-role", ...parts);
  }

  function blockOf(token: number): number {
    return textBlocks[bisect(firsts, token)] ?? -1;
  }

  function spanOf(token: number): HTMLElement | null {
    const each = drawn.get(blockOf(token));
    return each?.spans[token - each.block.first] ?? null;
  }

  /** Marks what is picked; only elements that exist are touched. */
  function mark(): void {
    for (const each of marked) {
      each.classList.remove("cotlens-cur", "cotlens-in", "cotlens-picked");
      if (each.id === currentId) letGo(each);
    }
    marked = [];
    const { picked } = store.own;
    if (!picked) { setAttribute(element, "aria-activedescendant", null); return; }
    const span = spanOf(picked.token);
    if (span) {
      span.classList.add(picked.kind === "token" ? "cotlens-cur" : "cotlens-in");
      pointAt(span, currentId, spoken(picked.token));
      marked.push(span);
    }
    setAttribute(element, "aria-activedescendant", span ? currentId : null);
    const sentence = store.text.sentenceOf(picked.token);
    for (const { block, element: row, spans } of drawn.values()) {
      const inside = picked.kind === "range" ? false : sentence >= 0 ? block.sentence === sentence : block.first <= picked.token && picked.token < block.last;
      if (inside) { row.classList.add("cotlens-picked"); marked.push(row); }
      if (picked.kind !== "range") continue;
      for (let token = Math.max(block.first, picked.token); token < Math.min(block.last, picked.last); token += 1) {
        const each = spans[token - block.first] as HTMLElement;
        each.classList.add("cotlens-in");
        marked.push(each);
      }
    }
  }

  function spoken(token: number): string {
    const logprob = store.payload.logprobs[token] ?? NaN;
    const value = store.payload.shading_values[store.shadingIndex(token)] ?? NaN;
    const piece = spokenPiece(store.text.piece(token));
    const effect = Number.isNaN(value) ? "" : `, effect ${signed(value)} ${store.payload.shading?.scale_unit ?? ""}`;
    if (latentOf(store, token) >= 0) return `${latentWords(store, latentOf(store, token))}${effect}`;
    // Where the keys that move by sentences stop, and what picks a sentence.
    const sentence = store.text.sentenceOf(token);
    const inside = store.text.sentences[sentence]?.first === token ? store.inside(sentence) : null;
    return `${piece}, token ${token}${Number.isNaN(logprob) ? "" : `, probability ${probability(Math.exp(logprob))}`}${effect}${inside ? `, read inside at the end of its sentence: ${inside.said}` : ""}`;
  }

  function reveal(token: number, where: "nearest" | "center" = "nearest"): void {
    list.reveal(blockOf(token), where, () => spanOf(token)?.getBoundingClientRect() ?? null);
  }

  const text: Findable = {
    text: () => store.text.drawn,
    reveal(char) {
      const token = store.text.tokenAt(char);
      // What is folded is not there to be seen.
      const folded = store.payload.parts.findIndex(({ start, end, place }) => place !== "focus" && start <= char && char < end);
      if (folded >= 0 && !store.own.unfolded.has(folded)) actions.fold(folded);
      if (store.text.roleOf(token) === "prompt" && blocks.some((block) => block.kind === "text" && block.folded)) store.setOwn({ promptOpen: true });
      store.flush();
      reveal(token, "center");
    },
    cell(char) {
      const token = store.text.tokenAt(char);
      const element = spanOf(token);
      return element && { element, start: store.text.start(token), piece: store.text.piece(token) };
    },
  };

  const tokenOf = (target: EventTarget | null): number | null => {
    const span = target instanceof Element ? target.closest<HTMLElement>("[data-token]") : null;
    return span ? Number(span.dataset["token"]) : null;
  };

  content.addEventListener("click", (event) => {
    const change = (event.target as Element).closest<HTMLElement>("[data-change]");
    if (change) {
      actions.pickRange(...changeTokens(store, Number(change.dataset["change"])));
      element.focus({ preventScroll: true });
      return;
    }
    const row = (event.target as Element).closest<HTMLElement>("[data-sentence]");
    const sentence = row ? store.text.sentences[Number(row.dataset["sentence"])] : undefined;
    if (sentence) { actions.pick(sentence.first, "sentence"); element.focus({ preventScroll: true }); return; }
    const token = tokenOf(event.target);
    const selection = getSelection();
    if (token === null || (selection && !selection.isCollapsed)) return;
    actions.pick(token);
  }, { signal });
  content.addEventListener("dblclick", (event) => {
    const token = tokenOf(event.target);
    if (token === null) return;
    event.preventDefault();
    getSelection()?.removeAllRanges();
    actions.pick(token);
    actions.edit(token);
  }, { signal });
  content.addEventListener("pointerup", () => queueMicrotask(pickSelected), { signal });

  /** A stretch selected with the mouse becomes the picked range. */
  function pickSelected(): void {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !content.contains(selection.anchorNode)) return;
    const at = (node: Node | null): number | null => tokenOf(node instanceof Element ? node : (node?.parentElement ?? null));
    const [a, b] = [at(selection.anchorNode), at(selection.focusNode)];
    if (a === null || b === null || a === b) return;
    actions.pickRange(Math.min(a, b), Math.max(a, b) + 1);
  }

  // The buttons of the inspector act on what is picked, so what is only pointed at must not stand over them.
  const ground = { content, frame: element, root, keeps: ".cotlens-side-body", drops: ".cotlens-acts" };
  const pointing = followPointer(ground, signal, (target) => {
    const token = tokenOf(target);
    // With nothing picked there is nothing to go back to, and the way to the list of alternatives leads out of the text.
    if (token !== null || store.own.picked !== null) store.setOwn({ hovered: token });
  });
  element.addEventListener("focus", () => {
    if (store.own.picked === null && element.matches(":focus-visible")) actions.home();
  }, { signal });
  const tick = setInterval(() => {
    const words = element.querySelector(".cotlens-loading > p");
    if (words) setText(words, loadingWords());
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(tick));

  /** What is being written, from its first visible character: the line begins at the margin. */
  function streamed(): string {
    return drawable((store.payload.stream?.text ?? "").trimStart());
  }

  /** Appends what was written since; true when the block exists and only grew. */
  function grow(): boolean {
    const { stream } = store.payload;
    if (!stream || !blocks.some((block) => block.kind === "stream")) return false;
    const atEnd = element.scrollTop + element.clientHeight > element.scrollHeight - 40;
    if (streamNode) {
      const [old, now] = [streamNode.data, streamed()];
      if (now.startsWith(old)) streamNode.appendData(now.slice(old.length));
      else streamNode.data = now;
    }
    list.remeasure();
    if (atEnd) element.scrollTop = element.scrollHeight;
    return true;
  }

  let streamFrom: number | null = null;
  return {
    element,
    reveal,
    text,
    focus() { element.focus({ preventScroll: true }); },
    update(changed) {
      const from = store.payload.stream ? store.payload.stream.from : null;
      const streamMoved = changed.has("stream") && from !== streamFrom;
      streamFrom = from;
      if (streamMoved || any(changed, "document", "parts", "token_offsets", "promptOpen", "unfolded", "comparison", "branches", "loading", "alive", "broken", "inside", "latents")) {
        const top = element.scrollTop;
        const { aimed } = list;
        rebuild();
        if (streamMoved && from !== null) list.reveal(blocks.length - 1);
        else if (changed.has("document") && store.own.picked === null && top === 0) element.scrollTop = 0;
        // Blocks that were never drawn are as high as estimated again, so the same place is another one.
        else if (aimed && store.own.picked) reveal(store.own.picked.token);
      } else if (changed.has("stream")) grow();
      if (any(changed, "shading", "shading_rows", "shading_values", "shading_low", "shading_high", "shading_certainty", "over", "scale_lock", "findings", "underlined")) {
        for (const each of drawn.values()) paint(each, store);
        mark();
      } else if (any(changed, "stop")) {
        for (const each of drawn.values()) paintStop(each, store.own.stop, store);
      }
      if (any(changed, "picked", "document")) pointing.forget();
      if (any(changed, "picked")) {
        mark();
        if (store.own.picked) reveal(store.own.picked.token, changed.has("place") ? "center" : "nearest");
      }
    },
  };
}
