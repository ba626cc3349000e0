/** Names with their values, in a list: under one whose name does not say it, what it means. */

import { h } from "../dom";

export type Fact = readonly [name: string, value: string, why?: string];

export function factList(list: HTMLElement, facts: readonly Fact[]): void {
  list.replaceChildren(...facts.flatMap(([name, value, why]) => [
    h("dt", "", {}, name), h("dd", "", { title: value }, value), ...(why ? [h("dd", "cotlens-why", {}, why)] : []),
  ]));
}
