/** Beside the tree: the branch that is looked at in words, what a person says of it, and what was compared. */

import { markedChanges } from "../kit/controls/before-after";
import { factList, type Fact } from "../kit/controls/facts";
import { button, h, onClick, setOff, setText } from "../kit/dom";
import { probability } from "../kit/numbers";
import { kindWords } from "./lines";
import { any, type Context, type Section } from "./context";
import type { Compared, FanInfo, TreeBranch } from "./protocol";

export interface DetailSection extends Section { rename(): void }

export function createDetail({ store, signal }: Context): DetailSection {
  const title = h("h4", "cotlens-title");
  const facts = h("dl", "cotlens-facts");
  const [name, tags] = [field("200"), field("2000")];
  const note = h("textarea", "", { rows: 3, maxlength: "10000" });
  const [show, prune, mark] = [act("Show it", "show"), act("Prune", "prune"), act("Compare", "mark")];
  const compared = h("section", "", { "aria-label": "compared branches" });
  const element = h("section", "cotlens-detail", { "aria-label": "the branch", "data-region": "detail", tabindex: 0 },
    title, facts, h("div", "cotlens-acts", {}, show, mark, prune), label("name", name), label("tags, with commas between", tags), label("note", note), compared);
  let written = "";

  function field(maxlength: string): HTMLInputElement { return h("input", "", { type: "text", maxlength }); }
  function label(words: string, control: HTMLElement): HTMLElement { return h("label", "cotlens-field", {}, words, control); }
  function act(words: string, action: string): HTMLButtonElement { return button("cotlens-button", words, { "data-action": action }); }

  /** Fields say what they hold when they are left, or with Enter. */
  function keeps(control: HTMLInputElement | HTMLTextAreaElement, say: (branch: string, value: string) => void): void {
    control.addEventListener("change", () => { if (written) say(written, control.value); }, { signal });
  }
  keeps(name, (branch, text) => store.ask({ kind: "rename", branch, text }));
  keeps(note, (branch, text) => store.ask({ kind: "annotate", branch, text }));
  keeps(tags, (branch, value) => store.ask({ kind: "tag", branch, tags: value.split(",").map((each) => each.trim()).filter(Boolean) }));
  onClick(show, signal, () => { if (store.branch) store.ask({ kind: "goto", branch: store.branch.id }); });
  onClick(prune, signal, () => { if (store.branch) store.ask({ kind: store.branch.pruned ? "restore" : "prune", branch: store.branch.id }); });
  onClick(mark, signal, () => store.mark());

  function describe(branch: TreeBranch): void {
    setText(title, `${branch.id} · ${branch.label}`);
    const answer = branch.awaits_rerun ? "edited, not rerun" : `${branch.answer ?? "no answer could be read"}${branch.p === null ? "" : `, probability ${probability(branch.p)}`}`;
    factList(facts, ([["what was done", kindWords(branch)], ["change", branch.change], ["answer", answer], ["from its parent", branch.from_parent], ["from the root", branch.from_root],
      ["tokens", String(branch.tokens)], ...shares(branch.fan)] as Fact[]).filter(([, value]) => value !== ""));
    setText(prune, branch.pruned ? "Bring back" : "Prune");
    setOff(prune, store.off ?? (branch.parent === null ? "everything was made from it" : null));
    setOff(show, store.off ?? (branch.current ? "it is shown" : null));
    // What is being typed stays, until another branch is looked at.
    for (const [control, value] of [[name, branch.label], [tags, branch.tags.join(", ")], [note, branch.note]] as const) {
      if (written !== branch.id || !control.matches(":focus")) control.value = value;
      control.readOnly = store.off !== null;
    }
    written = branch.id;
  }

  return {
    element,
    rename() { name.focus(); name.select(); },
    update(changed) {
      if (any(changed, "data", "at", "broken") && store.branch) describe(store.branch);
      if (any(changed, "data", "at", "marked", "broken")) {
        const { marked } = store.own.now;
        setText(mark, marked.includes(store.branch?.id ?? "") ? "Don't compare" : marked.length ? `Compare with ${marked.join(", ")}` : "Compare");
        compared.replaceChildren(...told(marked.length > 1 ? store.compared : null));
      }
    },
  };
}

/** How often rollouts, or branches, gave each answer. */
function shares(fan: readonly FanInfo[]): Fact[] {
  return fan.map(({ answer, count, share, low, high }) => [answer === null ? "no answer" : `answer ${answer}`, `${count} · ${probability(share)} [${probability(low)}, ${probability(high)}]`]);
}

function told(compared: Compared | null): Node[] {
  if (!compared) return [];
  const list = h("dl", "cotlens-facts");
  factList(list, shares(compared.fan));
  const pieces = markedChanges(compared.diff);
  return [h("h4", "cotlens-title", {}, `${compared.branches.join(" and ")} compared`), h("p", "", {}, compared.words), list, ...(pieces.length ? [h("p", "cotlens-diff", {}, ...pieces)] : [])];
}
