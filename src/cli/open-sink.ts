// From `--format` and `--output` to the sink that events go to.
import { openSync } from 'node:fs';
import { HellotapError } from '../errors.js';
import type { EventSink } from '../output/event.js';
import { JsonlSink } from '../output/jsonl-sink.js';
import { LiveTableSink } from '../output/live-table-sink.js';
import { LineWriter } from '../output/line-writer.js';
import { TableSink } from '../output/table-sink.js';
import type { OutputOptions } from './common-options.js';
import { outputFormat } from './plain-output.js';
import type { Terminal } from './terminal.js';

const STDOUT = 1;

export type EventFormat = 'table' | 'jsonl';
export const EVENT_FORMATS: readonly EventFormat[] = ['table', 'jsonl'];

/** Results as asked for: the writer knows of drops and failures. */
export interface OpenOutput {
  readonly writer: LineWriter;
  readonly sink: EventSink;
  readonly format: EventFormat;
}

/** Opens `--output` (or standard output) for lines. @throws HellotapError ERR_OUTPUT */
export function openWriter(options: OutputOptions): LineWriter {
  if (options.output === undefined || options.output === '-') return new LineWriter(STDOUT, 'standard output');
  try {
    return new LineWriter(openSync(options.output, 'w'), options.output, { owned: true });
  } catch (error) {
    throw new HellotapError('ERR_OUTPUT', `${options.output}: cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** @param live events are handed on one by one rather than in large pieces */
export function openOutput(
  options: OutputOptions,
  terminal: Terminal,
  { live, c2Threshold }: { live: boolean; c2Threshold: number },
): OpenOutput {
  const format = outputFormat(options);
  const writer = openWriter(options);
  switch (format) {
    case 'table': {
      const table = { paint: terminal.paint, c2Threshold };
      return { writer, format, sink: live ? new LiveTableSink(writer, table) : new TableSink(writer, table) };
    }
    case 'jsonl':
      return { writer, format, sink: new JsonlSink(writer, live) };
  }
}
