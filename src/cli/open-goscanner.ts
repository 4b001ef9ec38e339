// `--format goscanner`: its three files in the folder of `--output`, or fingerprints.csv on standard output.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { GoscannerSink } from '../output/goscanner-sink.js';
import type { LineWriter } from '../output/line-writer.js';
import type { OutputOptions } from './common-options.js';
import { openWriter } from './open-sink.js';

/** @throws HellotapError ERR_OUTPUT */
export function openGoscanner(
  { output: folder, inputs }: OutputOptions,
  helloNames: readonly string[],
): { sink: GoscannerSink; writer: LineWriter } {
  if (folder === undefined || folder === '-') {
    const writer = openWriter({});
    return { sink: new GoscannerSink({ fingerprints: writer, hosts: null, tlsVerbose: null }, helloNames), writer };
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new HellotapError('ERR_OUTPUT', `${folder}: cannot be made: ${systemReason(cause)}`, { cause });
  }
  const open = (name: string): LineWriter => openWriter({ output: join(folder, name), inputs });
  const files = {
    fingerprints: open('fingerprints.csv'),
    hosts: open('hosts.csv'),
    tlsVerbose: open('tls_verbose.csv'),
  };
  return { sink: new GoscannerSink(files, helloNames), writer: files.fingerprints };
}
