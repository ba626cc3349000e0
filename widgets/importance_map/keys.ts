/** The keys of the map. */

import { bisect } from "../kit/text/text";
import type { KeyWords } from "../kit/controls/foot";
import { onKey, type Act } from "../kit/keys";
import type { Context } from "./context";

export const KEYS: readonly KeyWords[] = [
  [["↑", "↓"], "unit above, below"], [["←", "→"], "unit"], [["[", "]"], "clear effect"], [["Enter"], "its numbers"], [["Ctrl/⌘", "F"], "find"], [["C"], "code"], [["Esc"], "let go"],
];

export function listenForKeys({ own, root, signal }: Context, region: HTMLElement): void {
  onKey(root, signal, (event, target) => {
    if (event.ctrlKey || event.metaKey) return null;
    return (target === region || target === root ? inText(event.key) : null) ?? anywhere(event.key);
  });

  const pick = (unit: number): void => own.set({ picked: Math.max(0, Math.min(own.now.map.count - 1, unit)) });

  function inText(key: string): Act {
    const { map, picked } = own.now;
    const at = picked ?? -1;
    const row = bisect(map.blocks, Math.max(0, at));
    switch (key) {
      case "ArrowRight": return () => pick(at + 1);
      case "ArrowLeft": return () => pick(Math.max(0, at - 1));
      case "ArrowDown": return () => pick(picked === null ? 0 : row + 1 < map.blocks.length ? map.block(row + 1).first : at);
      case "ArrowUp": return () => pick(map.block(Math.max(0, row - 1)).first);
      case "Home": return () => pick(0);
      case "End": return () => pick(map.count - 1);
      case "Enter": return () => { if (picked === null) pick(0); root.querySelector<HTMLElement>(".cotlens-quote")?.focus(); };
      default: return null;
    }
  }

  function anywhere(key: string): Act {
    const { map, picked } = own.now;
    if (key === "[" || key === "]") {
      return () => { const to = map.nextClear(picked ?? (key === "]" ? -1 : map.count), key === "]" ? 1 : -1); if (to !== null) pick(to); };
    }
    return key === "Escape" && picked !== null ? () => { own.set({ picked: null }); region.focus({ preventScroll: true }); } : null;
  }
}
