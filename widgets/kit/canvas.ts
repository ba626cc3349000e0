/** Canvas paper in CSS pixels, the theme's colours, and the pattern that means "not measured". */

export interface Colours {
  background: string; text: string; line: string; edge: string; muted: string; accent: string; positive: string; negative: string; unsigned: string;
  alpha: number; unsignedAlpha: number;
}

export function coloursOf(root: HTMLElement): Colours {
  const style = getComputedStyle(root);
  const get = (name: string): string => style.getPropertyValue(`--cotlens-${name}`).trim();
  const heat = (name: string): string => `rgb(${get(name)})`;
  return {
    background: style.backgroundColor, text: style.color, line: get("line"), edge: get("edge"), muted: get("muted"), accent: get("accent"),
    positive: heat("positive"), negative: heat("negative"), unsigned: heat("unsigned"),
    alpha: Number(get("alpha")) || 0.7, unsignedAlpha: Number(get("unsigned-alpha")) || 0.7,
  };
}

/** Pixels of the screen to one of CSS, as canvases are drawn. */
export function ratioOf(): number { return Math.min(3, devicePixelRatio || 1); }

/** Moves what a canvas shows down by CSS pixels that are whole ones of the screen; what it lets go of is empty. */
export function shift(paper: CanvasRenderingContext2D, by: number): void {
  paper.save();
  paper.globalCompositeOperation = "copy";
  const ratio = ratioOf();
  paper.setTransform(1, 0, 0, 1, 0, 0);
  paper.drawImage(paper.canvas, 0, Math.round(by * ratio));
  paper.restore();
}

/** Sizes a canvas for the screen's pixels and gives its cleared context, in CSS pixels; null where there is no room. */
export function paperOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = ratioOf();
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (w <= 0 || h <= 0) return null;
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const paper = canvas.getContext("2d");
  paper?.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper?.clearRect(0, 0, width, height);
  return paper;
}

/** Diagonal lines, 5 px apart; `turned` ones fall to the right. */
export function hatch(paper: CanvasRenderingContext2D, colour: string, turned = false): CanvasPattern | string {
  const ratio = paper.getTransform().a;
  const size = Math.round(5 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  if (!pen) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) { pen.moveTo(shift, turned ? 0 : size); pen.lineTo(shift + size, turned ? size : 0); }
  pen.stroke();
  const pattern = paper.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? colour;
}
