// `probe --resume`: the file of results is itself the journal of the scan. What stands in it as a whole line is done; a
// last line that a kill cut off is taken away, and its server probed again.
import { createReadStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { HellotapError } from '../errors.js';
import type { ProbeTarget } from '../probe/probe-result.js';
import { isStartTlsProtocol } from '../probe/starttls/dialogue.js';

const LINE_END = 0x0a;
/** Longer lines are none of ours: ten texts of at most 32 KiB, and what else a result has. */
const MAX_LINE = 4 * 1024 * 1024;

/** The targets that an earlier run has results of. */
export class ProbeJournal {
  /** How often each has a result: a target that was named twice is probed twice. */
  readonly #done = new Map<string, number>();
  /** Results found. */
  count = 0;

  add(target: ProbeTarget): void {
    const key = keyOf(target);
    this.#done.set(key, (this.#done.get(key) ?? 0) + 1);
    this.count += 1;
  }

  /** Whether the target has a result; each result answers for one target. */
  takeDone(target: ProbeTarget): boolean {
    const key = keyOf(target);
    const left = this.#done.get(key);
    if (left === undefined) return false;
    if (left === 1) this.#done.delete(key);
    else this.#done.set(key, left - 1);
    return true;
  }
}

function keyOf({ address, port, serverName, startTls }: ProbeTarget): string {
  return `${address} ${port} ${serverName ?? ''} ${startTls ?? ''}`;
}

/**
 * Reads the results of an earlier run and cuts off what stands behind the last whole line. A file that is not there is
 * a scan that has not begun. @throws HellotapError ERR_OUTPUT where the file holds something else, or another hello set's
 */
export async function openJournal(path: string, helloSetDigest: string): Promise<ProbeJournal> {
  const journal = new ProbeJournal();
  const found = await stat(path).catch(() => null);
  if (found === null) return journal;
  if (!found.isFile()) throw new HellotapError('ERR_OUTPUT', `${path}: is no file that a scan could go on in`);
  let whole = 0;
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
      number += 1;
      const target = readResult(bytes.toString('utf8', start, end), helloSetDigest);
      if (typeof target === 'string') throw new HellotapError('ERR_OUTPUT', `${path}, line ${number}: ${target}`);
      journal.add(target);
      start = end + 1;
    }
    whole += start;
    rest = bytes.subarray(start);
    if (rest.length > MAX_LINE) throw new HellotapError('ERR_OUTPUT', `${path}, line ${number + 1}: too long a line`);
  }
  if (whole < found.size) await truncate(path, whole);
  return journal;
}

/** The target of a line; a text: why it is none. */
function readResult(line: string, helloSetDigest: string): ProbeTarget | string {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return 'no JSON: not the output of an earlier `probe --format jsonl`';
  }
  const result = (event as { hellotap?: Record<string, unknown> } | null)?.hellotap;
  const { ip, port, sni, starttls, hello_set_digest: digest } = result ?? {};
  if (typeof ip !== 'string' || typeof port !== 'number' || (sni !== null && typeof sni !== 'string')) {
    return 'not the result of a probe';
  }
  if (digest !== helloSetDigest) return 'made with another hello set: results of the two cannot stand in one file';
  return { address: ip, port, serverName: sni, ...(isStartTlsProtocol(starttls) ? { startTls: starttls } : {}) };
}
