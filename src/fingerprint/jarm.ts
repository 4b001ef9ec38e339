// JARM (Salesforce, 2020) from the ten answers of a server, as jarm.py of github.com/salesforce/jarm computes it, its quirks
// included: it looks into the bytes at fixed places and never asks whether they are well-formed. Nothing of its code is here.
import { hash } from 'node:crypto';
import { ContentType, HandshakeType } from '../tls/constants.js';

/** What jarm.py reads of an answer: one read of the socket, at most this long. */
export const JARM_READ_LENGTH = 1484;

/** Client Hellos of a JARM. */
export const JARM_HELLOS = 10;

export interface Jarm {
  /** `cipher|version|ALPN|extensions` per hello, joined by commas: what jarm.py shows with -v. */
  readonly raw: string;
  /** 62 hexadecimal digits, all zero where no hello had a usable answer. */
  readonly hash: string;
}

const NO_ANSWER = '|||';
/** The hash of a server none of whose answers could be used. */
export const UNRESOLVED_JARM = '0'.repeat(62);

/** The suites of JARM's hellos in numerical order but for CHACHA20 and TLS 1.3, which are last: a suite counts by its place. */
const SUITES: readonly string[] = (
  '0004 0005 0007 000a 0016 002f 0033 0035 0039 003c 003d 0041 0045 0067 006b 0084 0088 009a 009c 009d 009e 009f ' +
  '00ba 00be 00c0 00c4 c007 c008 c009 c00a c011 c012 c013 c014 c023 c024 c027 c028 c02b c02c c02f c030 c060 c061 ' +
  'c072 c073 c076 c077 c09c c09d c09e c09f c0a0 c0a1 c0a2 c0a3 c0ac c0ad c0ae c0af cc13 cc14 cca8 cca9 1301 1302 ' +
  '1303 1304 1305'
).split(' ');

/**
 * @param answers the first bytes that came after each hello, in order; empty: none; null: nothing in time, with which
 *   jarm.py gives the whole server up
 * @returns null where jarm.py ends with an error: a version it has no letter for, an ALPN with commas
 */
export function jarm(answers: readonly (Uint8Array | null)[]): Jarm | null {
  const silent = answers.includes(null);
  const raw = answers.map((answer) => (silent || answer === null ? NO_ANSWER : jarmAnswer(answer))).join(',');
  const hash = jarmHash(raw);
  return hash === null ? null : { raw, hash };
}

/** One answer as `cipher|version|ALPN|extensions`. */
export function jarmAnswer(answer: Uint8Array): string {
  const data = Buffer.from(answer.buffer, answer.byteOffset, Math.min(answer.length, JARM_READ_LENGTH));
  if (data[0] !== ContentType.Handshake || data[5] !== HandshakeType.ServerHello) return NO_ANSWER;
  const sessionIdLength = data[43];
  if (sessionIdLength === undefined) return NO_ANSWER;
  const choice = `${hex(data, sessionIdLength + 44, 2)}|${hex(data, 9, 2)}|`;
  const extensions = extensionPart(data, sessionIdLength);
  return extensions === null ? NO_ANSWER : choice + extensions;
}

/** `ALPN|types`; null: jarm.py takes the whole answer for none. */
function extensionPart(data: Buffer, sessionIdLength: number): string | null {
  const lengthAt = sessionIdLength + 47;
  // Where the answer ends before, and where a Certificate or known odd bytes follow at once, jarm.py adds three bars.
  if (lengthAt >= data.length || data[lengthAt] === HandshakeType.Certificate) return NO_ANSWER;
  if (hex(data, lengthAt + 3, 3) === '0eac0b' || hex(data, 82, 3) === '0ff00b') return NO_ANSWER;
  const extensions = readExtensions(data, lengthAt);
  if (extensions === null) return null;
  const alpn = extensions.find(({ type }) => type === '0010');
  const protocol = alpn === undefined ? '' : protocolOf(alpn.value);
  return protocol === null ? null : `${protocol}|${extensions.map(({ type }) => type).join('-')}`;
}

interface RawExtension {
  readonly type: string;
  /** Null: of length 0, which jarm.py tells from one that was cut off. */
  readonly value: Buffer | null;
}

/** The extensions as far as one after the other begins within the block; null: the answer ends inside of one's header. */
function readExtensions(data: Buffer, lengthAt: number): RawExtension[] | null {
  const extensions: RawExtension[] = [];
  let at = lengthAt + 2;
  const length = numberAt(data, lengthAt);
  if (length === null) return null;
  const end = at + length - 1;
  while (at < end) {
    const valueLength = numberAt(data, at + 2);
    if (valueLength === null) return null;
    const value = valueLength === 0 ? null : data.subarray(at + 4, at + 4 + valueLength);
    extensions.push({ type: hex(data, at, 2), value });
    at += 4 + valueLength;
  }
  return extensions;
}

/** The protocol behind list and name length (RFC 7301 section 3.1), to the end of the extension. */
function protocolOf(value: Buffer | null): string | null {
  if (value === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value.subarray(3));
  } catch {
    return null; // not UTF-8
  }
}

/** A two-byte number, of one byte where the answer ends between them; null where it ends before. */
function numberAt(data: Buffer, at: number): number | null {
  const digits = hex(data, at, 2);
  return digits === '' ? null : Number.parseInt(digits, 16);
}

function hex(data: Buffer, at: number, length: number): string {
  return data.subarray(at, at + length).toString('hex');
}

/** The fuzzy hash of a raw JARM: three digits per hello for suite and version, then half a SHA-256 over the rest. */
export function jarmHash(raw: string): string | null {
  const answers = raw.split(',');
  if (answers.every((answer) => answer === NO_ANSWER)) return UNRESOLVED_JARM;
  let choices = '';
  let rest = '';
  for (const answer of answers) {
    const [suite = '', version = '', alpn, types] = answer.split('|');
    const letter = version === '' ? '0' : versionLetter(version);
    if (alpn === undefined || types === undefined || letter === null) return null;
    choices += suiteDigits(suite) + letter;
    rest += alpn + types;
  }
  return choices + hash('sha256', rest).slice(0, 32);
}

/** The suite's place in the list, from 1; one more than the last for any other, 0 for none. */
function suiteDigits(suite: string): string {
  const place = SUITES.indexOf(suite);
  const count = suite === '' ? 0 : place < 0 ? SUITES.length + 1 : place + 1;
  return count.toString(16).padStart(2, '0');
}

/** `a` for SSL 3.0 (0300) and so on to `f`, from the last digit alone. */
function versionLetter(version: string): string | null {
  const digit = version.charAt(3);
  return digit >= '0' && digit <= '5' ? 'abcdef'.charAt(Number(digit)) : null;
}
