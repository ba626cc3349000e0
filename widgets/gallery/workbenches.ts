/** Bars of a workbench as Python would send them. */

import type { State } from "../workbench_bar/protocol";

const bar = (more: Partial<State> = {}): State => ({
  names: ["text", "importance", "steering", "features", "branches", "findings", "details"], panels: { text: "full", features: "half" }, notice: "", selected: {}, ...more,
});

/** State name -> traits of the bar. */
export const WORKBENCHES: Record<string, () => State> = {
  bench: () => bar(),
  benchrefused: () => bar({ notice: "No autoencoder is known for '<img src=x onerror=\"window.hacked = 1\">': give one with sae=cl.features.load_sae(...), that reads it." }),
};
