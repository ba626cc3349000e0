/**
 * The script of every view. The view's own is large, so one model holds it for all views of a kind: a page loads it
 * once, and a saved notebook has it once, however often a cell was run.
 */

const PREFIX = "IPY_MODEL_";
const modules = (globalThis.__cotlens_modules ??= new Map());

/** The text of the script: from the model that holds it, or from Python where the host has no way to other models. */
async function textOf(model) {
  try {
    const holder = await model.widget_manager.get_model(model.get("_script").slice(PREFIX.length));
    const text = holder.get("text");
    if (text) return text;
  } catch { /* Python is asked */ }
  return new Promise((resolve) => {
    const hear = (message) => {
      if (message?.kind !== "script") return;
      model.off("msg:custom", hear);
      resolve(message.text);
    };
    model.on("msg:custom", hear);
    model.send({ kind: "script" });
  });
}

async function imported(model) {
  const url = URL.createObjectURL(new Blob([await textOf(model)], { type: "text/javascript" }));
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
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
  let view;
  return {
    async initialize(context) {
      const made = (await load(context.model)).default;
      view = typeof made === "function" ? await made() : made;
      return view.initialize?.(context);
    },
    render(context) { return view.render(context); },
  };
};
