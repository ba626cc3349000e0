/**
 * The script of every view. The view's own is large, and so is its style: one model holds both for all views of a kind.
 * A page loads them once, and a saved notebook has them once, however often a cell was run.
 */

const PREFIX = "IPY_MODEL_";
const modules = (globalThis.__cotlens_modules ??= new Map());

/** Script and style: from the model that holds them, or from Python where the host has no way to other models. */
async function textsOf(model) {
  try {
    const holder = await model.widget_manager.get_model(model.get("_script").slice(PREFIX.length));
    const [text, style] = [holder.get("text"), holder.get("style")];
    if (text) return { text, style };
  } catch { /* Python is asked */ }
  return new Promise((resolve) => {
    const hear = (message) => {
      if (message?.kind !== "script") return;
      model.off("msg:custom", hear);
      resolve(message);
    };
    model.on("msg:custom", hear);
    model.send({ kind: "script" });
  });
}

async function imported(model) {
  const { text, style } = await textsOf(model);
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return { made: (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)).default, style };
  } finally {
    URL.revokeObjectURL(url);
  }
}

function load(model) {
  const key = model.get("_script");
  if (!modules.has(key)) {
    const loading = imported(model);
    loading.catch(() => modules.delete(key));
    modules.set(key, loading);
  }
  return modules.get(key);
}

export default () => {
  let view, style;
  return {
    async initialize(context) {
      const { made, style: text } = await load(context.model);
      style = text;
      view = typeof made === "function" ? await made() : made;
      return view.initialize?.(context);
    },
    render(context) {
      // Beside the view, not in the page's head: there it reaches views in a shadow tree, too, and goes with them.
      context.el.append(Object.assign(document.createElement("style"), { textContent: style }));
      return view.render(context);
    },
  };
};
