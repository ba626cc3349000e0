/** Heat colours (Okabe-Ito and one purple) and the arithmetic that checks them. kit/theme.css holds the same values. */

export type Theme = "light" | "dark";

export interface Scheme {
  background: string;
  text: string;
  positive: string;
  negative: string;
  signedAlpha: number;
  unsigned: string;
  unsignedAlpha: number;
}

/** Orange raises the target, blue lowers it, purple is without a sign, zero is transparent: on dark paler, and less opacity. */
export const SCHEMES: Record<Theme, Scheme> = {
  light: {
    background: "#ffffff", text: "#1a1a1a", positive: "#e69f00", negative: "#0072b2", signedAlpha: 0.7,
    unsigned: "#7b3294", unsignedAlpha: 0.7,
  },
  dark: {
    background: "#212121", text: "#f0f0f0", positive: "#e69f00", negative: "#56b4e9", signedAlpha: 0.55,
    unsigned: "#cb90df", unsignedAlpha: 0.55,
  },
};

export type Rgb = readonly [number, number, number];

export function rgb(hex: string): Rgb {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function hex(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** The colour seen when `over` at opacity alpha lies on an opaque background. */
export function mix(background: Rgb, over: Rgb, alpha: number): Rgb {
  return background.map((part, i) => part + ((over[i] as number) - part) * alpha) as unknown as Rgb;
}

export function linear(part: number): number {
  const value = part / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** Relative luminance of WCAG 2.x. */
export function luminance(colour: Rgb): number {
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

/** Contrast ratio of WCAG 2.x, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
