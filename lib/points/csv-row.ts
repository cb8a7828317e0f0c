/**
 * Reads one row from `at` into `cells` and returns the place behind it; -1 when a quote is never closed.
 * Quotes as in RFC 4180: `""` is a quote, a line end inside of quotes belongs to the cell.
 */
export function readRow(text: string, at: number, separator: string, cells: string[]): number {
  cells.length = 0;
  for (;;) {
    let cell: string;
    if (text[at] === '"') {
      let close = text.indexOf('"', at + 1);
      while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
      if (close < 0) return -1;
      cell = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
      // Whatever stands between the closing quote and the separator is noise of the writer.
      while (at < text.length && text[at] !== separator && text[at] !== "\n") at++;
    } else {
      const start = at;
      while (at < text.length && text[at] !== separator && text[at] !== "\n") at++;
      cell = text.slice(start, at).trim();
    }
    cells.push(cell);
    if (at >= text.length) return at;
    if (text[at++] === "\n") return at;
  }
}
