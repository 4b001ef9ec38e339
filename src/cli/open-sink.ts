// From `--format` and `--output` to the sink that events go to.
import { constants, fstatSync, openSync, readSync, statSync, writeSync, type Stats } from 'node:fs';
import { isatty } from 'node:tty';
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
  const { output, append = false } = options;
  const fd = append ? openToAppend(output) : writable(output, () => openSync(output, O_WRONLY | O_CREAT));
  return new LineWriter(fd, output, { owned: true, direct: !live, replaces: !append });
}

/** Opens a file to write behind what it holds; a last line that was cut off is ended. @throws HellotapError ERR_OUTPUT */
export function openToAppend(path: string): number {
  return writable(path, () => {
    if (statusOf(path)?.isFile() === false) return openSync(path, O_WRONLY | O_APPEND);
    const fd = openSync(path, O_RDWR | O_CREAT | O_APPEND);
    const last = Buffer.from('\n');
    const { size } = fstatSync(fd);
    if (size > 0) readSync(fd, last, 0, 1, size - 1);
    if (last.toString('latin1') !== '\n') writeSync(fd, '\n');
    return fd;
  });
}

const { O_APPEND, O_CREAT, O_RDWR, O_WRONLY } = constants;

function writable(path: string, open: () => number): number {
  try {
    return open();
  } catch (cause) {
    throw new HellotapError('ERR_OUTPUT', `${path}: cannot be written: ${systemReason(cause)}`, { cause });
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

/** The width of the terminal that results go to; null where they go elsewhere. */
function terminalColumns({ output }: OutputOptions): number | null {
  return output === undefined && isatty(STDOUT) ? process.stdout.columns : null;
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
      return {
        writer,
        format,
        sink: new TableKind(writer, { paint: terminal.paint, c2Threshold, columns: terminalColumns(options) }),
      };
    case 'jsonl':
      return { writer, format, sink: new JsonlSink(writer, live) };
  }
}
