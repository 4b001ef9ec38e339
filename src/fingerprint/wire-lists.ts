// Reads the lists that JA3 and JA4 are made of straight from a hello's bytes, without arrays of numbers in between.
// Lenient where a list is damaged: what lies inside of the extension counts, as other passive tools have it.
import type { ExtensionType } from '../tls/constants.js';
import type { ExtensionBlock } from '../tls/extension-block.js';
import { isGrease } from '../tls/grease.js';

/** The two-byte number at `at`. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Where the entries of a vector lie that is an extension's whole data, behind a length field of `lengthSize` bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The entries of the vector in the first extension of a type; null: there is no such extension, or no length field in it. */
export function vectorSpan(extensions: ExtensionBlock | null, type: ExtensionType, lengthSize: 1 | 2): Span | null {
  const index = extensions === null ? -1 : extensions.indexOf(type);
  if (extensions === null || index < 0) return null;
  const at = extensions.startAt(index);
  const start = at + lengthSize;
  const dataEnd = extensions.endAt(index);
  if (start > dataEnd) return null;
  const length = lengthSize === 1 ? (extensions.bytes[at] ?? 0) : uint16At(extensions.bytes, at);
  return { start, end: Math.min(start + length, dataEnd) };
}

/** Decimal numbers joined by `-`, of the two-byte code points in a span; GREASE left out. */
export function decimalList(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at + 2 <= end; at += 2) {
    const value = uint16At(bytes, at);
    if (isGrease(value)) continue;
    text += text === '' ? String(value) : `-${value}`;
  }
  return text;
}

const HEX_TEXT: string[] = [];

/** Four hexadecimal digits, lower case. */
export function hex4(value: number): string {
  return (HEX_TEXT[value & 0xffff] ??= (value & 0xffff).toString(16).padStart(4, '0'));
}
