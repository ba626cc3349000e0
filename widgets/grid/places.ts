/** Where the cells of a grid stand. Bands of rows lie below each other, each under a line of its own where there is room for one. */

/** Cells are counted band by band, row by row. */
export interface Shape { bands: number; rows: number; columns: number }

/** Pixels: where the cells begin, how large one is, and what is kept free above each band. */
export interface Places { left: number; top: number; wide: number; tall: number; gap: number }

/** A cell by band, row and column. */
export interface Place { band: number; row: number; column: number }

export function placeOf(cell: number, { rows, columns }: Shape): Place {
  const line = Math.floor(cell / columns);
  return { band: Math.floor(line / rows), row: line % rows, column: cell % columns };
}

export function cellOf({ band, row, column }: Place, { rows, columns }: Shape): number { return (band * rows + row) * columns + column; }

/** Where a band begins, counted from the first: its cells, below its line. */
export function bandTop(band: number, { tall, gap }: Places, { rows }: Shape): number { return band * (gap + rows * tall) + gap; }

export function rowTop({ band, row }: Pick<Place, "band" | "row">, places: Places, shape: Shape): number { return bandTop(band, places, shape) + row * places.tall; }

/** Band and row at a height, counted from where the cells begin; null between two bands and outside. */
export function rowAt(y: number, places: Places, { bands, rows }: Shape): { band: number; row: number } | null {
  const each = places.gap + rows * places.tall;
  const band = Math.floor(y / each);
  const row = Math.floor((y - band * each - places.gap) / places.tall);
  return band >= 0 && band < bands && row >= 0 && row < rows ? { band, row } : null;
}

export function heightOf(places: Places, { bands, rows }: Shape): number { return bands * (places.gap + rows * places.tall); }

export function limited(size: number, most: number, least = 0.5): number { return Math.max(least, Math.min(most, size)); }

/** The place that an arrow key leads to, across bands up and down; null for other keys. */
export function stepped(key: string, at: Place, by: number, { bands, rows, columns }: Shape): Place | null {
  const within = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));
  const line = at.band * rows + at.row;
  const lines = (to: number): Place => { const next = within(to, bands * rows); return { band: Math.floor(next / rows), row: next % rows, column: at.column }; };
  switch (key) {
    case "ArrowUp": return lines(line - by);
    case "ArrowDown": return lines(line + by);
    case "ArrowLeft": return { ...at, column: within(at.column - by, columns) };
    case "ArrowRight": return { ...at, column: within(at.column + by, columns) };
    default: return null;
  }
}
