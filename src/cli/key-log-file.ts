// `--keylog FILE`: the secrets of connections, read before the first packet.
import { readFileSync } from 'node:fs';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { KeyLog } from '../tls/key-log.js';
import type { Terminal } from './terminal.js';

/** Throws ERR_USAGE where the file cannot be read; lines that make no sense are counted in a warning. */
export function readKeyLog(path: string, terminal: Terminal): KeyLog {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    throw new HellotapError('ERR_USAGE', `--keylog ${path}: cannot be read: ${systemReason(cause)}`, { cause });
  }
  const keyLog = new KeyLog();
  for (const line of text.split('\n')) keyLog.addLine(line);
  const { size, malformed, dropped } = keyLog;
  if (size === 0) terminal.warning(`--keylog ${path}: there are no secrets of TLS 1.3 in it`);
  if (malformed > 0) terminal.warning(`--keylog ${path}: ${malformed} lines are no secrets`);
  if (dropped > 0) terminal.warning(`--keylog ${path}: ${dropped} secrets are beyond what is kept`);
  return keyLog;
}
