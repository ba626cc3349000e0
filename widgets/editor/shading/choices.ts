/** In the head: which answer is followed, and who reads answers. */

import { h, setAttribute, setText } from "../../kit/dom";
import { menu } from "../../kit/controls/menu";
import { any, type Context, type Section } from "../context";

interface Option { value: string; label: string; title: string; on: boolean }

/** Answers that can be followed; the first is the trace's own, unless the text was edited since and awaits its rerun. */
export function answerOptions(answers: readonly string[], followed: string, unrun: boolean): Option[] {
  return answers.map((answer, i) => (i === 0
    ? { value: "", label: unrun ? `${answer}, of the text before the edit` : `${answer}, the trace's own`, title: "", on: followed === "" }
    : { value: answer, label: answer, title: "", on: answer === followed }));
}

/** "answer 7", and whose it is where it isn't that of the text that is shown. */
export function followedWords(answers: readonly string[], followed: string, unrun: boolean): string {
  const answer = followed || answers[0];
  if (answer === undefined) return "";
  return `answer ${answer}${unrun && followed === "" ? " before the edit" : ""}`;
}

export interface ChoicesSection extends Section { open(): void }

export function createChoices({ store, actions, signal }: Context): ChoicesSection {
  const select = (label: string, chosen: (value: string) => void): HTMLSelectElement => {
    const each = h("select", "cotlens-select", { "aria-label": label });
    each.addEventListener("change", () => chosen(each.value), { signal });
    return each;
  };
  const target = select("answer that is followed", (value) => actions.follow(value));
  const reader = select("reader of answers", (value) => actions.readBy(value));
  const seeks = h("p", "cotlens-small cotlens-muted");
  const list = menu("cotlens-button cotlens-quiet", "", signal, () => reader.focus());
  list.panel.classList.add("cotlens-choicepanel");
  list.panel.append(
    h("label", "cotlens-label", {}, h("span", "", {}, "read answers by"), reader), seeks,
    h("label", "cotlens-label", {}, h("span", "", {}, "follow the answer"), target));

  function fill(each: HTMLSelectElement, options: Option[], off: string | null): void {
    each.replaceChildren(...options.map(({ value, label, title }) => h("option", "", { value, title }, label)));
    each.value = options.find(({ on }) => on)?.value ?? "";
    each.disabled = off !== null || options.length < 2;
  }

  function draw(): void {
    const { readers, strip, document: shown } = store.payload;
    const { target: followed } = store.selection;
    const answers = strip?.answers ?? [];
    const unrun = shown?.rerun_at != null;
    const now = readers.find((each) => each.current);
    fill(reader, readers.map(({ name, seeks: title, current }) => ({ value: name, label: name, title, on: current })), store.payload.head.measured === true ? store.off : store.lost);
    fill(target, answerOptions(answers, followed, unrun), store.off);
    setText(seeks, now?.seeks ? `looks for ${now.seeks}` : "");
    setText(list.opener, [followedWords(answers, followed, unrun), `read by ${now?.name ?? "no reader"}`].filter(Boolean).join(" · "));
    setAttribute(list.opener, "title", "choose the answer that is followed, and who reads answers");
    setAttribute(list.opener, "data-action", "choices");
    list.element.hidden = shown === null || readers.length === 0;
  }

  return {
    element: list.element,
    open() { list.opener.click(); },
    update(changed) {
      if (any(changed, "readers", "strip", "selection", "wish", "document", "alive", "broken", "loading")) draw();
    },
  };
}
