import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gammaOf, heatClass, level, LEVELS, levels, share, UNMEASURED } from "../kit/heat/heat";
import { nothingOf } from "../kit/heat/legend";
import { contrast, hex, linear, mix, rgb, SCHEMES, type Rgb } from "../kit/heat/palette";

const theme = readFileSync("kit/theme.css", "utf8");
const light = theme.slice(0, theme.indexOf("[data-cotlens-theme"));
const dark = theme.slice(theme.indexOf("[data-cotlens-theme"));
const property = (css: string, name: string): string => new RegExp(`--cotlens-${name}: ([^;]+);`).exec(css)?.[1] ?? "";

test("the style sheet holds the palette's values", () => {
  for (const [css, scheme] of [[light, SCHEMES.light], [dark, SCHEMES.dark]] as const) {
    assert.equal(property(css, "negative"), rgb(scheme.negative).join(" "));
    assert.equal(property(css, "unsigned"), rgb(scheme.unsigned).join(" "));
    assert.equal(Number(property(css, "alpha")), scheme.signedAlpha);
    assert.equal(Number(property(css, "unsigned-alpha")), scheme.unsignedAlpha);
    assert.equal(property(css, "fg"), scheme.text);
  }
  assert.equal(property(light, "positive"), rgb(SCHEMES.light.positive).join(" "));
  assert.equal(property(dark, "positive"), "");
});

// The figures of the measured table: fills and text contrast at the strongest value.
const MEASURED = [
  { scheme: SCHEMES.light, background: "#ffffff", fills: ["#eebc4d", "#4d9cc9"], contrasts: [9.9, 5.7] },
  { scheme: SCHEMES.dark, background: "#212121", fills: ["#8d660f", "#3e728f"], contrasts: [4.5, 4.6] },
  { scheme: SCHEMES.dark, background: "#111111", fills: ["#865f08", "#376b88"], contrasts: [5.0, 5.1] },
];

for (const { scheme, background, fills, contrasts } of MEASURED) {
  test(`signed heat on ${background}: fills as measured, text at least 4.5:1`, () => {
    [scheme.positive, scheme.negative].forEach((hue, i) => {
      const fill = mix(rgb(background), rgb(hue), scheme.signedAlpha);
      rgb(hex(fill)).forEach((part, k) => assert.ok(Math.abs(part - (rgb(fills[i] as string)[k] as number)) <= 1, `${hex(fill)} is not ${fills[i]}`));
      const ratio = contrast(fill, rgb(scheme.text));
      assert.ok(Math.abs(ratio - (contrasts[i] as number)) < 0.06, `${ratio}`);
      assert.ok(ratio >= 4.45);
    });
  });
}

test("unsigned heat keeps text at 4.5:1", () => {
  for (const scheme of Object.values(SCHEMES)) {
    assert.ok(contrast(mix(rgb(scheme.background), rgb(scheme.unsigned), scheme.unsignedAlpha), rgb(scheme.text)) >= 4.45);
  }
});

// Machado, Oliveira, Fernandes 2009, severity 1, on linear light.
const DICHROMACY: Record<string, number[]> = {
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function lab(colour: readonly number[]): number[] {
  const [r, g, b] = colour as [number, number, number];
  const xyz = [0.4124 * r + 0.3576 * g + 0.1805 * b, 0.2126 * r + 0.7152 * g + 0.0722 * b, 0.0193 * r + 0.1192 * g + 0.9505 * b];
  const [x, y, z] = xyz.map((value, i) => { const t = value / ([0.9505, 1, 1.089][i] as number); return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116; }) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function seen(colour: Rgb, matrix?: number[]): number[] {
  const flat = colour.map(linear);
  if (!matrix) return lab(flat);
  return lab([0, 3, 6].map((row) => Math.min(1, Math.max(0, flat.reduce((sum, part, i) => sum + part * (matrix[row + i] as number), 0)))));
}

test("the two ends stay far apart for every kind of colour vision, behind words and as cells of a grid", () => {
  for (const { scheme, background } of MEASURED) for (const alpha of [scheme.signedAlpha, Math.min(1, scheme.signedAlpha + 0.3)]) {
    const [a, b] = [scheme.positive, scheme.negative].map((hue) => mix(rgb(background), rgb(hue), alpha)) as [Rgb, Rgb];
    for (const matrix of [undefined, ...Object.values(DICHROMACY)]) {
      const [p, q] = [seen(a, matrix), seen(b, matrix)];
      assert.ok(Math.hypot(...p.map((part, i) => part - (q[i] as number))) >= 55);
    }
  }
});

test("levels: zero is zero, NaN is not measured, the scale clips, signs mirror", () => {
  assert.equal(level(0, 2), 0);
  assert.equal(level(NaN, 2), UNMEASURED);
  assert.equal(level(2, 2), LEVELS);
  assert.equal(level(9, 2), LEVELS);
  assert.equal(level(-9, 2), -LEVELS);
  assert.equal(level(1, 0), 0);
  for (let value = 0.01; value < 2; value += 0.01) assert.equal(level(-value, 2), -level(value, 2));
  assert.deepEqual([...levels(Float32Array.of(0, 2, NaN), 2)], [0, LEVELS, UNMEASURED]);
});

test("levels stay within half a step of the exact opacity", () => {
  for (const intensity of [0, 0.5, 1]) {
    const gamma = gammaOf(intensity);
    const halfStep = Math.max(gamma / LEVELS, 1.5 / LEVELS);
    for (let value = 0.02; value <= 1; value += 0.005) {
      const exact = value ** gamma;
      assert.ok(Math.abs(share(level(value, 1), gamma) - exact) <= halfStep, `${value} ${intensity}`);
    }
  }
  assert.ok(Math.abs(gammaOf(0.5) - 0.8) < 1e-12);
});

test("classes carry sign and weight besides colour", () => {
  assert.match(heatClass(LEVELS, true), /cotlens-up .*cotlens-w2/);
  assert.match(heatClass(-LEVELS, true), /cotlens-down .*cotlens-w2/);
  assert.match(heatClass(LEVELS, false), /cotlens-amount/);
  assert.equal(heatClass(0, true), "");
  assert.equal(heatClass(UNMEASURED, true), " cotlens-none");
});

test("every level has its rule", () => {
  const rules = readFileSync("kit/heat/heat.css", "utf8");
  for (let step = 1; step <= LEVELS; step += 1) assert.ok(rules.includes(`.cotlens-h${step} `));
});

test("what has no sign has one hue, and not that of raising or lowering", () => {
  const angle = (colour: string): number => {
    const [r, g, b] = rgb(colour);
    return (Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 180) / Math.PI;
  };
  const apart = (a: string, b: string): number => Math.abs(((angle(a) - angle(b) + 540) % 360) - 180);
  for (const scheme of Object.values(SCHEMES)) for (const signed of [scheme.positive, scheme.negative]) assert.ok(apart(scheme.unsigned, signed) > 45);
  assert.ok(apart(SCHEMES.light.unsigned, SCHEMES.dark.unsigned) < 10);
});

test("where nothing was measured no colours are explained, unless it is still on its way", () => {
  assert.equal(nothingOf(0, 0, true), "measured");
  assert.equal(nothingOf(0, 0, false), false);
  assert.equal(nothingOf(3, 0, false), true);
  assert.equal(nothingOf(3, 1, true), false);
});
