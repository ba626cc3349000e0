// Bundles every widget folder into cotlens/widgets/static, and the gallery into widgets/.cache/gallery.
//   node build.mjs            build, then check each bundle against its size budget
//   node build.mjs --watch    rebuild on every change
//   node build.mjs --gallery  the gallery page as well (the tests and the benchmark need it)
import { build, context } from "esbuild";
import { copyFile, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "cotlens", "widgets", "static");

/** Widget folder -> largest minified size of its script, in bytes. The editor carries CodeMirror. */
const BUDGET = { editor: 350_000 };

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
const gallery = { ...shared, entryPoints: ["gallery/gallery.ts"], format: "iife", outdir: join(here, ".cache", "gallery") };

async function checkSizes() {
  for (const [name, limit] of Object.entries(BUDGET)) {
    const { size } = await stat(join(out, `${name}.js`));
    const css = (await stat(join(out, `${name}.css`))).size;
    console.log(`${name}.js ${size} bytes of at most ${limit}; ${name}.css ${css} bytes`);
    if (size > limit) throw new Error(`${name}.js is ${size} bytes, over its budget of ${limit}`);
  }
}

async function main() {
  await mkdir(out, { recursive: true });
  if (process.argv.includes("--watch")) {
    for (const options of [...widgets, gallery]) await (await context(options)).watch();
    return;
  }
  await Promise.all(widgets.map((options) => build(options)));
  if (process.argv.includes("--gallery")) {
    await build(gallery);
    await copyFile(join(here, "gallery", "index.html"), join(here, ".cache", "gallery", "index.html"));
  }
  await checkSizes();
}

main().catch((error) => {
  console.error(error.message ?? error);
  process.exit(1);
});
