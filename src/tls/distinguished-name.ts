// Distinguished names (X.501, RFC 5280 section 4.1.2.4) as text: `C=US, O=Example Inc, CN=example.com`, in the order of the
// certificate, escaped as in RFC 4514 section 2.4. Never throws.
import { DerTag, derElement, derExpect, derObjectIdentifier } from './der.js';
import type { DerElement } from './der.js';
import { decodeText } from './text.js';

/** Short names as OpenSSL has them (and RFC 4514 section 3). */
const ATTRIBUTE_NAMES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'street'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.16', 'postalAddress'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.18', 'postOfficeBox'],
  ['2.5.4.20', 'telephoneNumber'],
  ['2.5.4.41', 'name'],
  ['2.5.4.42', 'GN'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.45', 'x500UniqueIdentifier'],
  ['2.5.4.46', 'dnQualifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.3', 'mail'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
  ['1.2.840.113549.1.9.2', 'unstructuredName'],
  ['1.2.840.113549.1.9.8', 'unstructuredAddress'],
  ['1.3.6.1.4.1.311.60.2.1.1', 'jurisdictionL'],
  ['1.3.6.1.4.1.311.60.2.1.2', 'jurisdictionST'],
  ['1.3.6.1.4.1.311.60.2.1.3', 'jurisdictionC'],
]);

/** The text of the Name whose contents lie in `name`; null: it is no Name, or an empty one. */
export function distinguishedName(bytes: Uint8Array, name: DerElement): string | null {
  const relativeNames: string[] = [];
  let at = name.start;
  while (at < name.end) {
    const set = derExpect(bytes, at, name.end, DerTag.Set);
    if (set === null) return null;
    const attributes: string[] = [];
    let inner = set.start;
    while (inner < set.end) {
      const pair = derExpect(bytes, inner, set.end, DerTag.Sequence);
      const text = pair === null ? null : attributeText(bytes, pair);
      if (pair === null || text === null) return null;
      attributes.push(text);
      inner = pair.end;
    }
    relativeNames.push(attributes.join(' + '));
    at = set.end;
  }
  return relativeNames.length === 0 ? null : relativeNames.join(', ');
}

function attributeText(bytes: Uint8Array, pair: DerElement): string | null {
  const attribute = attributeAt(bytes, pair);
  if (attribute === null) return null;
  const { oid, value } = attribute;
  const text = stringText(bytes, value);
  return `${ATTRIBUTE_NAMES.get(oid) ?? oid}=${text === null ? hexText(bytes, value) : escaped(text)}`;
}

function attributeAt(bytes: Uint8Array, pair: DerElement): { readonly oid: string; readonly value: DerElement } | null {
  const type = derExpect(bytes, pair.start, pair.end, DerTag.ObjectIdentifier);
  const value = type === null ? null : derElement(bytes, type.end, pair.end);
  const oid = type === null ? null : derObjectIdentifier(bytes, type);
  return value === null || oid === null ? null : { oid, value };
}

/** The commonName that ends a Name, if one does, and it is of a type whose bytes are its text. */
export function lastCommonName(bytes: Uint8Array, name: DerElement): DerElement | null {
  let last: DerElement | null = null;
  for (let at = name.start; at < name.end;) {
    last = derExpect(bytes, at, name.end, DerTag.Set);
    if (last === null) return null;
    at = last.end;
  }
  const pair = last === null ? null : derExpect(bytes, last.start, last.end, DerTag.Sequence);
  const attribute = pair === null || pair.end !== last?.end ? null : attributeAt(bytes, pair);
  return attribute?.oid === COMMON_NAME && BYTES_ARE_TEXT.has(attribute.value.tag) ? attribute.value : null;
}

const COMMON_NAME = '2.5.4.3';
const BYTES_ARE_TEXT: ReadonlySet<number> = new Set([
  DerTag.Utf8String,
  DerTag.PrintableString,
  DerTag.NumericString,
  DerTag.Ia5String,
  DerTag.VisibleString,
]);

/** The text of a DirectoryString or another string type; null: the value is of another type. */
function stringText(bytes: Uint8Array, { tag, start, end }: DerElement): string | null {
  if (BYTES_ARE_TEXT.has(tag)) return decodeText(bytes.subarray(start, end));
  switch (tag) {
    // In practice Latin-1, whatever T.61 says.
    case DerTag.TeletexString:
      return wideText(bytes, start, end, 1);
    case DerTag.BmpString:
      return wideText(bytes, start, end, 2);
    case DerTag.UniversalString:
      return wideText(bytes, start, end, 4);
    default:
      return null;
  }
}

function wideText(bytes: Uint8Array, start: number, end: number, size: 1 | 2 | 4): string {
  let text = '';
  for (let at = start; at + size <= end; at += size) {
    let code = 0;
    for (let index = 0; index < size; index += 1) code = code * 256 + (bytes[at + index] ?? 0);
    text += String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
  }
  return text;
}

/** RFC 4514 section 2.4: `#` and the hexadecimal DER of a value that has no string form. */
function hexText(bytes: Uint8Array, { tag, start, end }: DerElement): string {
  const contents = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
  const length = end - start;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return `#${Buffer.from([tag, ...head]).toString('hex')}${contents}`;
}

function escaped(text: string): string {
  let out = '';
  let copied = 0;
  const last = text.length - 1;
  for (let at = 0; at <= last; at += 1) {
    const code = text.charCodeAt(at);
    const isControl = code < 0x20 || code === 0x7f;
    const isSpecial = isControl || isEscapedAnywhere(code);
    const isSpecialHere = code === SPACE ? at === 0 || at === last : code === NUMBER_SIGN && at === 0;
    if (!isSpecial && !isSpecialHere) continue;
    out += text.slice(copied, at);
    out += isControl ? `\\${code.toString(16).toUpperCase().padStart(2, '0')}` : `\\${text.charAt(at)}`;
    copied = at + 1;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

const SPACE = 0x20;
const NUMBER_SIGN = 0x23;

/** `"`, `+`, `,`, `;`, `<`, `>` and the backslash. */
function isEscapedAnywhere(code: number): boolean {
  return (
    code === 0x22 || code === 0x2b || code === 0x2c || code === 0x3b || code === 0x3c || code === 0x3e || code === 0x5c
  );
}
