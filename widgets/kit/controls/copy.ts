/** Copying, also where the page may not: browsers have no clipboard on plain http. */

/** Copies a text; where the host forbids it, what shows it is selected for Ctrl/Cmd+C instead. Returns what happened, in words. */
export async function copy(text: string, shown: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return "copied";
  } catch {
    getSelection()?.selectAllChildren(shown);
    return "selected: copy it with your own key";
  }
}
