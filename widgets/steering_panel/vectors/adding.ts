/** "+ vector": one more slider, of the picked token, of the picked stretch, or of a latent. */

import { button, h, isOff, onClick, setAttribute, setOff, setText } from "../../kit/dom";
import { menu } from "../../kit/controls/menu";
import { quoted } from "../../kit/numbers";
import { any, type Context, type Section } from "../context";

export function createAdding({ store, actions, signal }: Context): Section {
  const token = button("cotlens-button cotlens-quiet", "", { "data-action": "add-token" });
  const stretch = button("cotlens-button cotlens-quiet", "", { "data-action": "add-stretch" });
  const box = h("input", "cotlens-box", { type: "text", inputmode: "numeric", autocomplete: "off", "aria-label": "number of a latent", "data-action": "latent" });
  const latent = button("cotlens-button", "Add", { "data-action": "add-latent" });
  const line = h("div", "cotlens-line", {}, h("span", "", {}, "From latent"), box, latent);
  const { element, opener, panel, close } = menu("cotlens-button", "+ vector", signal, () => draw());
  panel.append(token, stretch, line);
  setAttribute(opener, "data-action", "add");

  function draw(): void {
    const { picked, head, vectors } = store.now;
    const text = picked && store.textOf(picked.document);
    const piece = picked && text ? quoted(text.piece(picked.token)) : "";
    const many = picked !== null && picked.last - picked.token > 1;
    setText(token, piece ? `From the token ${piece}` : "From a token");
    setOff(token, store.off ?? (piece ? null : "Click a token of a text first."), "what raises its probability: its row of the unembedding, after the last layer");
    setText(stretch, many ? `From tokens ${picked.token} to ${picked.last - 1}` : "From a stretch of the baseline");
    setOff(stretch, store.off ?? (many && actions.inBaseline() ? null : "Pick a stretch of the baseline: click its first token, then its last with Shift."), "its mean against that of the other sentences, at the middle layer");
    line.hidden = head.latents === 0;
    setAttribute(box, "placeholder", head.latents ? `0\u2013${head.latents - 1}` : "");
    setOff(latent, store.off, "its decoder row, at the layer that the autoencoder reads");
    setOff(opener, store.off, vectors.length ? "one more vector" : "a vector");
  }

  function addLatent(): void {
    const number = /^\d+$/.test(box.value.trim()) ? Number(box.value) : NaN;
    const fits = number < store.now.head.latents;
    setAttribute(box, "aria-invalid", fits ? null : "true");
    if (!fits) return;
    actions.add({ kind: "latent", latent: number });
    close();
  }

  onClick(token, signal, () => { const { picked } = store.now; if (picked) { actions.add({ kind: "token", document: picked.document, token: picked.token }); close(); } });
  onClick(stretch, signal, () => { const picked = actions.inBaseline(); if (picked) { actions.add({ kind: "stretch", document: picked.document, token: picked.token, last: picked.last }); close(); } });
  onClick(latent, signal, addLatent);
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !isOff(latent)) addLatent(); }, { signal });

  return { element, update(changed) { if (any(changed, "picked", "baseline", "steered", "control", "head", "vectors", "alive", "broken")) draw(); } };
}
