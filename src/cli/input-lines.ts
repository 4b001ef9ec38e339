// Lines of a file or of standard input.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';

/** @throws HellotapError ERR_CONFIG where the file cannot be read */
export async function* openLines(path: string): AsyncGenerator<string> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (cause) {
    throw new HellotapError('ERR_CONFIG', `${path}: cannot be read: ${systemReason(cause)}`, { cause });
  }
}
