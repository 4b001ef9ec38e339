// From `--format` and `--output` to the sink that events go to.
import { openSync, statSync, type Stats } from 'node:fs';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import type { EventSink } from '../output/event.js';
import { JsonlSink } from '../output/jsonl-sink.js';
import { LineWriter } from '../output/line-writer.js';
import type { TableOptions } from '../output/table-sink.js';
import type { OutputOptions } from './common-options.js';
import { outputFormat } from './output-format.js';
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

/**
 * Opens `--output` (or standard output) for lines.
 * @param live whether nothing may wait for a disk
 * @throws HellotapError ERR_OUTPUT; ERR_USAGE where the file is one of the inputs, which opening it would empty
 */
export function openWriter(options: OutputOptions, live = false): LineWriter {
  if (options.output === undefined || options.output === '-') {
    return new LineWriter(STDOUT, 'standard output', { direct: !live });
  }
  const input = sameFile(options.output, options.inputs ?? []);
  if (input !== undefined) {
    throw new HellotapError('ERR_USAGE', `--output ${options.output}: is ${input}, which is read; name another file`);
  }
  try {
    return new LineWriter(openSync(options.output, options.append === true ? 'a' : 'w'), options.output, {
      owned: true,
      direct: !live,
    });
  } catch (error) {
    throw new HellotapError('ERR_OUTPUT', `${options.output}: cannot be written: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** That of the paths, if any, behind which is the same file. */
function sameFile(path: string, others: readonly string[]): string | undefined {
  const file = statusOf(path);
  if (file?.isFile() !== true) return undefined;
  return others.find((other) => {
    const found = statusOf(other);
    return found?.ino === file.ino && found.dev === file.dev;
  });
}

function statusOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Which table a command has, and whether its events come one by one (live) or by the thousand. */
export interface OutputKind {
  readonly table: new (writer: LineWriter, options: TableOptions) => EventSink;
  readonly live: boolean;
  readonly c2Threshold: number;
}

/** Opens what `--format` and `--output` ask for. @throws HellotapError ERR_OUTPUT */
export function openOutput(
  options: OutputOptions,
  terminal: Terminal,
  { table: TableKind, live, c2Threshold }: OutputKind,
): OpenOutput {
  const format = outputFormat(options);
  const writer = openWriter(options, live);
  switch (format) {
    case 'table':
      return { writer, format, sink: new TableKind(writer, { paint: terminal.paint, c2Threshold }) };
    case 'jsonl':
      return { writer, format, sink: new JsonlSink(writer, live) };
  }
}
