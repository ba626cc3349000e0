/** Which theme the notebook wears. The OS preference is not asked: a notebook has its own. */

import { luminance, type Rgb, type Theme } from "./heat/palette";

function parse(colour: string): (Rgb & { length: 3 }) | null {
  const parts = colour.match(/[\d.]+/g)?.map(Number);
  if (colour.startsWith("#") && colour.length === 7) {
    const value = parseInt(colour.slice(1), 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  }
  if (!colour.startsWith("rgb") || !parts || parts.length < 3 || parts[3] === 0) return null;
  return [parts[0] as number, parts[1] as number, parts[2] as number];
}

function fromBackground(element: Element | null): Theme | null {
  for (let each = element; each; each = each.parentElement) {
    const colour = parse(getComputedStyle(each).backgroundColor);
    if (colour) return luminance(colour) < 0.2 ? "dark" : "light";
  }
  return null;
}

/** JupyterLab, VS Code, explicit data-theme, Colab, then the luminance of what lies behind the widget. */
export function detectTheme(near: Element): Theme {
  const { body, documentElement: html } = document;
  const lab = body.dataset["jpThemeLight"];
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  const code = body.dataset["vscodeThemeKind"];
  if (code !== undefined) return code.includes("light") ? "light" : "dark";
  const named = body.dataset["theme"] ?? html.dataset["theme"] ?? html.getAttribute("theme");
  if (named === "dark" || named === "light") return named;
  if (html.classList.contains("dark") || body.classList.contains("dark")) return "dark";
  const editor = parse(getComputedStyle(body).getPropertyValue("--vscode-editor-background").trim());
  if (editor) return luminance(editor) < 0.2 ? "dark" : "light";
  return fromBackground(near.parentElement) ?? "light";
}

/** Keeps data-cotlens-theme on the root true, and calls back when the theme changes. */
export function followTheme(root: HTMLElement, signal: AbortSignal, changed: () => void): void {
  const set = (): void => {
    const theme = detectTheme(root);
    if (root.dataset["cotlensTheme"] === theme) return;
    root.dataset["cotlensTheme"] = theme;
    changed();
  };
  const observer = new MutationObserver(set);
  const watched = { attributes: true, attributeFilter: ["class", "style", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"] };
  observer.observe(document.body, watched);
  observer.observe(document.documentElement, watched);
  signal.addEventListener("abort", () => observer.disconnect());
  for (const query of ["(forced-colors: active)", "(prefers-contrast: more)"]) {
    matchMedia(query).addEventListener("change", changed, { signal });
  }
  set();
  // A host may attach the element only after it was drawn; what lies behind it is known then.
  requestAnimationFrame(set);
}
