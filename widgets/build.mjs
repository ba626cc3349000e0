// Bundles the widgets.
//   node build.mjs                   every widget folder into cotlens/widgets/static; fails above a size budget
//   node build.mjs --gallery [DIR]   the page of widgets/gallery instead, into DIR (default widgets/.cache/gallery)
//   node build.mjs --watch           both, again on every change
import { build, context } from "esbuild";
import { copyFile, mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "cotlens", "widgets", "static");

/** Widget folder -> largest minified size of its script, in bytes. The editor carries CodeMirror, the parts of a transcript, and latents with their sliders. */
const BUDGET = { branch_tree: 60_000, editor: 392_000, feature_table: 120_000, importance_map: 120_000, lens_grid: 60_000, monitor_panel: 60_000, pair_matrix: 120_000, patch_grid: 80_000, rollout_map: 120_000, steering_panel: 120_000, workbench_bar: 40_000 };

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  // A host with an AMD loader (VS Code, Notebook 6) must not have the module register itself there.
  define: { "define.amd": "false" },
  logLevel: "warning",
};

const widgets = Object.keys(BUDGET).map((name) => ({
  ...shared,
  // index.ts imports index.css, so one entry yields both files.
  entryPoints: { [name]: `${name}/index.ts` },
  format: "esm",
  outdir: out,
}));

// A classic script, because a page opened from disk may not load modules.
const page = (outdir) => ({ ...shared, entryPoints: ["gallery/gallery.ts"], format: "iife", outdir });

async function checkSizes() {
  for (const [name, limit] of Object.entries(BUDGET)) {
    const { size } = await stat(join(out, `${name}.js`));
    const css = (await stat(join(out, `${name}.css`))).size;
    console.log(`${name}.js ${size} bytes of at most ${limit}; ${name}.css ${css} bytes`);
    if (size > limit) throw new Error(`${name}.js is ${size} bytes, over its budget of ${limit}`);
  }
}

async function buildGallery(folder, watching) {
  await mkdir(folder, { recursive: true });
  await copyFile(join(here, "gallery", "index.html"), join(folder, "index.html"));
  if (watching) await (await context(page(folder))).watch();
  else await build(page(folder));
}

async function main() {
  const [mode, folder = join(here, ".cache", "gallery")] = process.argv.slice(2);
  if (mode === "--gallery") return buildGallery(resolve(folder), false);
  await mkdir(out, { recursive: true });
  if (mode === "--watch") {
    for (const options of widgets) await (await context(options)).watch();
    return buildGallery(folder, true);
  }
  await Promise.all(widgets.map((options) => build(options)));
  return checkSizes();
}

main().catch((error) => {
  console.error(error.message ?? error);
  process.exit(1);
});
