/** Beside the map: the raw text of the picked rollout with its sentences, or where two pinned ones part. */

import { cut, shortened } from "../kit/text/cut";
import { button, h, onClick, setOff, setText } from "../kit/dom";
import { count } from "../kit/numbers";
import { any, isDark, lookOf, type Context, type Section } from "./context";

/** Characters of two rollouts before and after the place where they part. */
const [BEFORE, AFTER] = [60, 110];

export function createSide({ store, root, signal }: Context): Section {
  const title = h("h4", "cotlens-title");
  const note = h("p", "cotlens-small cotlens-muted");
  const open = button("cotlens-button", "Open in editor", { "data-action": "open" });
  const pin = button("cotlens-button", "Pin", { "data-action": "pin" });
  const actions = h("div", "cotlens-actions", {}, open, pin);
  const parting = h("section", "cotlens-parting", { "aria-label": "where the pinned rollouts part" });
  const text = h("div", "cotlens-raw", { tabindex: 0, role: "region", "aria-label": "text of the picked rollout" });
  const notice = h("p", "cotlens-small", { role: "status", "aria-live": "polite" });
  const opens = h("p", "cotlens-small cotlens-opens");
  const element = h("aside", "cotlens-side", { "aria-label": "picked rollout" }, h("div", "cotlens-about", {}, title, note, actions, notice, opens, parting), text);
  let shown = -1;

  function write(row: number): void {
    const { model } = store;
    const parts: Node[] = [];
    const whole = model.text(row);
    let at = 0;
    for (let i = model.at(row); i < model.at(row + 1); i += 1) {
      const [start, end] = [model.start[i] as number, model.end[i] as number];
      const sentence = i - model.at(row);
      const span = h("span", "cotlens-said", { "data-sentence": sentence, title: model.categoryOf({ row, sentence }) }, whole.slice(start, end));
      span.style.borderBottomColor = lookOf(model.said.categories[model.category[i] as number] ?? "", isDark(root)).colour;
      parts.push(document.createTextNode(""), h("span", "", {}, whole.slice(at, start)), span);
      at = end;
    }
    const asked = h("details", "cotlens-asked", {}, h("summary", "", {}, "prompt"), h("p", "", {}, model.prompts[model.prompt[row] ?? 0]?.text.trim() ?? ""));
    text.replaceChildren(asked, ...parts, h("span", "cotlens-muted", {}, whole.slice(at)));
  }

  function mark(sentence: number): void {
    text.querySelector(".cotlens-here")?.classList.remove("cotlens-here");
    const here = text.querySelector<HTMLElement>(`[data-sentence="${sentence}"]`);
    here?.classList.add("cotlens-here");
    if (here) text.scrollTop = here.offsetTop - text.offsetTop - text.clientHeight / 3;
    else text.scrollTop = 0;
  }

  function part(): void {
    const { pinned } = store.own.now;
    const [a, b] = pinned;
    parting.hidden = a === undefined || b === undefined;
    if (a === undefined || b === undefined) return;
    const { model } = store;
    const at = model.parting(a, b);
    const rest = (row: number): HTMLElement => h("p", "cotlens-quote", {}, h("b", "", {}, `${row} · ${model.answer(model.group[row] ?? 0)}: `), shortened(model.text(row).slice(at), AFTER) || "(ends here)");
    parting.replaceChildren(
      h("h4", "cotlens-title", {}, `Rollouts ${a} and ${b} say the same for ${count(at, "character")}`),
      ...(at > 0 ? [h("p", "cotlens-quote cotlens-muted", {}, `${at > BEFORE ? "…" : ""}${cut(model.text(a).slice(0, at), -BEFORE)}`)] : []), rest(a), rest(b));
  }

  /** The way back to what was opened before. */
  function editors(): void {
    const { opened } = store.own.now;
    opens.hidden = opened.length < 2 || store.off !== null;
    opens.replaceChildren("In the editor: ", ...opened.flatMap((row, i) => {
      const each = button("cotlens-link", `rollout ${row}`, { "aria-current": i === opened.length - 1 ? "true" : null });
      onClick(each, signal, () => { store.own.set({ picked: { row, sentence: -1 } }); store.open(); });
      return i === 0 ? [each] : [" · ", each];
    }));
  }

  onClick(open, signal, () => store.open());
  onClick(pin, signal, () => { if (store.own.now.picked) store.pin(store.own.now.picked.row); });
  text.addEventListener("click", (event) => {
    const span = (event.target as Element).closest<HTMLElement>("[data-sentence]");
    const { picked } = store.own.now;
    if (span && picked) store.own.set({ picked: { row: picked.row, sentence: Number(span.dataset["sentence"]) } });
  }, { signal });
  root.addEventListener("cotlens-theme", () => { if (store.own.now.picked) write(store.own.now.picked.row); }, { signal });

  return {
    element,
    update(changed) {
      const { picked, pinned } = store.own.now;
      if (changed.has("data")) shown = -1;
      if (any(changed, "picked", "data", "prompt")) {
        actions.hidden = picked === null;
        if (picked === null) {
          const asked = store.model.compared(store.own.now.prompt);
          setText(title, asked ? "Prompt" : count(store.model.prompts.length, "prompt"));
          setText(note, "Pick a rollout: its text stands here, as the model wrote it.");
          text.replaceChildren(...(asked ? [asked] : store.model.prompts).map((each, i) => h("p", "cotlens-asked", {}, `${asked ? "" : `${i}: `}${each.text.trim()}`)));
          shown = -1;
        } else {
          const { row, sentence } = picked;
          setText(title, `Rollout ${row} · ${store.model.named(store.model.group[row] ?? 0)}`);
          setText(note, [sentence < 0 ? count(store.model.sentences(row), "sentence") : `sentence ${sentence} of 0 to ${store.model.sentences(row) - 1}: ${store.model.categoryOf(picked)}`, store.model.said.notes[row] ?? ""].filter(Boolean).join(" · "));
          if (shown !== row) { write(row); shown = row; }
          mark(sentence);
        }
      }
      if (any(changed, "picked", "pinned")) setText(pin, picked && pinned.includes(picked.row) ? "Let go" : "Pin");
      if (any(changed, "pinned", "data")) part();
      if (any(changed, "opened", "alive", "broken", "data")) editors();
      setOff(open, store.off, "Enter");
      notice.hidden = store.own.now.notice === null;
      if (changed.has("notice")) setText(notice, store.own.now.notice ?? "");
    },
  };
}
