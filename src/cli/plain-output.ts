// Output of commands that print a few records rather than events, for people.
import Table from 'cli-table3';
import { printable } from '../output/printable.js';

/** A table's lines. Values from outside are made safe for a terminal. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map(printable));
  return table.toString().split('\n');
}

/** 0.1234 as "12.3 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`;
}
