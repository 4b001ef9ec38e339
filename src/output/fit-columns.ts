// How wide the columns of a table may be, so that its rows fit a terminal: what is longest is cut first.
import { stripVTControlCharacters } from 'node:util';

/** A space on either side of a cell. */
const PADDING = 2;
/** Below it a column says nothing any more. */
const LEAST = 12;

/**
 * The widths of columns, padding included, for `columns` characters in all; null: each as wide as it is. `flexible`:
 * columns that may be cut, others never are. A table of which too little would be left stays wider than the terminal.
 */
export function fitColumns(
  rows: readonly (readonly string[])[],
  flexible: readonly number[],
  columns: number | null,
): (number | null)[] {
  const widths = (rows[0] ?? []).map((_, column) => {
    const lengths = rows.map((row) => stripVTControlCharacters(row[column] ?? '').length);
    return lengths.reduce((most, length) => Math.max(most, length), 0) + PADDING;
  });
  const fitted: (number | null)[] = widths.map(() => null);
  if (columns === null) return fitted;
  // A border before each column, and one behind the last.
  let beyond = widths.reduce((sum, width) => sum + width + 1, 1) - columns;
  while (beyond > 0) {
    const [widest, next] = [...flexible].sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    const width = widest === undefined ? 0 : (widths[widest] ?? 0);
    if (widest === undefined || width <= LEAST) break;
    const floor = Math.max(LEAST, next === undefined ? 0 : (widths[next] ?? 0));
    const cut = Math.min(beyond, Math.max(1, width - floor));
    fitted[widest] = widths[widest] = width - cut;
    beyond -= cut;
  }
  return fitted;
}
