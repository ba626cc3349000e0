/** Did it change the answer, or break the model? Figures of all texts, each beside those of its own region, and the verdict. */

import { h, setAttribute, setText } from "../kit/dom";
import { any, type Context, type Section } from "./context";
import type { Finding } from "./protocol";
import { answerWords, perplexityWords, pWords } from "./words";

const COLUMNS = ["baseline", "unsteered", "steered", "control"] as const;
const NAMES = { baseline: "baseline", unsteered: "unsteered, rewritten", steered: "steered", control: "random control" };

export function createFindings({ store }: Context): Section {
  const title = h("h4", "cotlens-title", {}, "Did it change the answer, or break the model?");
  const verdict = h("p", "cotlens-verdict", { role: "status", "aria-live": "polite" });
  const control = h("p", "cotlens-muted cotlens-small cotlens-verdict-control");
  const head = h("tr", "", {}, h("td"), ...COLUMNS.map((name) => h("th", "", { scope: "col", "data-column": name }, NAMES[name])));
  const rows = [
    row("answer", answerWords, "what the reader finds in the answer"),
    row("p(answer)", pWords, "probability of the baseline's answer after the thought, the vectors still on"),
    row("perplexity", (finding) => (finding?.perplexity === null ? "not measured" : perplexityWords(finding, finding?.perplexity)), "under the model without any vector, from the token below on"),
    row("from token", (finding) => finding === null ? "—" : String(finding.start), "the first token that was written anew: perplexities are of what follows"),
    row("unsteered there", (finding) => perplexityWords(finding, finding?.beside), "perplexity of what the model writes from the same token on without vectors"),
    row("baseline there", (finding) => perplexityWords(finding, finding?.baseline), "perplexity of the baseline from the same token on"),
  ];
  const table = h("table", "cotlens-figures", {}, h("thead", "", {}, head), h("tbody", "", {}, ...rows.map((each) => each.element)));
  const element = h("div", "cotlens-findings", {}, h("div", "cotlens-said", {}, title, verdict, control), table);

  return {
    element,
    update(changed) {
      if (!any(changed, "findings", "current", "job", "steered")) return;
      const { findings, current } = store.now;
      for (const each of rows) each.draw((name) => findings?.[name] ?? null, current.control);
      head.querySelectorAll("[data-column=control]").forEach((cell) => { (cell as HTMLElement).hidden = !current.control; });
      rows[1]?.name(findings?.target ? `p(“${findings.target}”)` : "p(answer)");
      setText(verdict, findings?.verdict?.text ?? (store.running ? "Being written; the figures follow." : "Not measured."));
      setAttribute(verdict, "data-kind", findings?.verdict?.kind ?? "none");
      setText(control, current.control ? (findings?.control_verdict ?? "") : "The verdict is against the unsteered model, rewritten from the same token. A random vector of equal norm shows what any push of this size does.");
    },
  };
}

interface FigureRow { element: HTMLElement; name(words: string): void; draw(of: (name: (typeof COLUMNS)[number]) => Finding | null, control: boolean): void }

function row(name: string, words: (finding: Finding | null) => string, title: string): FigureRow {
  const head = h("th", "", { scope: "row", title }, name);
  const cells = COLUMNS.map((column) => h("td", "", { "data-cell": `${name.replace(/\W.*/, "")}-${column}` }));
  return {
    element: h("tr", "", {}, head, ...cells),
    name(text) { setText(head, text); },
    draw(of, control) {
      COLUMNS.forEach((column, i) => {
        const cell = cells[i] as HTMLElement;
        setText(cell, words(of(column)));
        cell.hidden = column === "control" && !control;
      });
    },
  };
}
