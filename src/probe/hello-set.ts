// A hello set: the named Client Hellos that one fingerprint is made of. It is data from a file (hello-set-file.ts), never
// code. This file says what a set is and turns its hellos into templates for the wire (tls/client-hello-writer.ts).
import { createHash } from 'node:crypto';
import type { ClientHelloTemplate, TemplateExtension } from '../tls/client-hello-writer.js';

/** A value that is drawn anew from the GREASE values for each connection and each place. RFC 8701. */
export const GREASE = 'grease';

/** A two-byte code point, or a GREASE value to be drawn. */
export type CodePoint = number | typeof GREASE;

/** One extension of a hello as its file describes it. */
export interface HelloExtension {
  /** Registered name, `grease`, or four hexadecimal digits: unique in its hello. */
  readonly name: string;
  readonly type: CodePoint;
  readonly content:
    | { readonly kind: 'server_name' | 'cookie' | 'key_share' }
    | { readonly kind: 'opaque'; readonly data: Uint8Array }
    /** A vector of two-byte values behind a length of `lengthBytes` bytes. */
    | { readonly kind: 'vector16'; readonly lengthBytes: 1 | 2; readonly values: readonly CodePoint[] };
}

/** The four orders of extensions that a hello can go out in. */
export const HELLO_SITUATIONS = [
  'without_server_name',
  'with_server_name',
  'retry_without_server_name',
  'retry_with_server_name',
] as const;

/** `retry`: the second Client Hello, after a HelloRetryRequest with a cookie. */
export type HelloSituation = (typeof HELLO_SITUATIONS)[number];

/** One Client Hello of a set. */
export interface HelloDefinition {
  readonly name: string;
  /** Version in the header of every record before the server's version is known. */
  readonly recordVersion: number;
  readonly legacyVersion: number;
  readonly cipherSuites: readonly CodePoint[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: readonly HelloExtension[];
  /** Extensions in wire order, per situation; those that the situation leaves out may be named. */
  readonly order: Readonly<Record<HelloSituation, readonly HelloExtension[]>>;
  /** Groups for which the first hello brings a key share. */
  readonly keyShareGroups: readonly CodePoint[];
  /** Groups that a HelloRetryRequest may ask for. */
  readonly supportedGroups: ReadonlySet<number>;
  readonly offersAlpn: boolean;
}

export interface HelloSet {
  readonly name: string;
  readonly title: string;
  readonly license: string;
  readonly source: string;
  /** SHA-256 over what goes onto the wire, hexadecimal: two sets with the same digest send the same hellos. */
  readonly digest: string;
  /** Sorted by name in code-point order, which is the order of the combined fingerprint. */
  readonly hellos: readonly HelloDefinition[];
}

/** SHA-256 over everything that determines the bytes of the hellos, and over nothing else (not over titles). */
export function digestOfHellos(hellos: readonly HelloDefinition[]): string {
  const hash = createHash('sha256');
  for (const hello of hellos) {
    hash.update(
      JSON.stringify({
        ...hello,
        compressionMethods: [...hello.compressionMethods],
        supportedGroups: [...hello.supportedGroups],
        extensions: undefined,
        order: HELLO_SITUATIONS.map((situation) => hello.order[situation].map(plainExtension)),
      }),
    );
  }
  return hash.digest('hex');
}

function plainExtension({ type, content }: HelloExtension): unknown {
  return content.kind === 'opaque' ? [type, [...content.data]] : [type, content];
}

/** The templates of one hello for one connection (GREASE values are drawn once for both of its hellos). */
export interface PreparedHello {
  readonly definition: HelloDefinition;
  /** First hello of a connection, without and with server name. */
  readonly first: ClientHelloTemplate;
  /** Second hello: after a HelloRetryRequest, in `retry` order where that asked for a cookie. */
  readonly retry: ClientHelloTemplate;
  /** Cipher suites offered, GREASE left out. */
  readonly cipherSuites: ReadonlySet<number>;
  readonly keyShareGroups: readonly number[];
}

interface ConstantHello {
  readonly unnamed: PreparedHello;
  readonly named: PreparedHello;
}

/** Makes templates for connections with (or without) a server name. What does not change is encoded only once. */
export class HelloPreparer {
  private readonly constant = new Map<HelloDefinition, ConstantHello | null>();

  /** `drawByte` gives random bytes for GREASE; it is called only for hellos that have any. */
  constructor(private readonly drawByte: () => number) {}

  prepare(definition: HelloDefinition, withServerName: boolean): PreparedHello {
    let constant = this.constant.get(definition);
    if (constant === undefined) {
      constant = hasGrease(definition)
        ? null
        : { unnamed: this.encode(definition, false), named: this.encode(definition, true) };
      this.constant.set(definition, constant);
    }
    if (constant === null) return this.encode(definition, withServerName);
    return withServerName ? constant.named : constant.unnamed;
  }

  private encode(definition: HelloDefinition, withServerName: boolean): PreparedHello {
    const suites = definition.cipherSuites.map((suite) => this.value(suite));
    const cipherSuites = encode16(suites);
    const drawn = new Map<HelloExtension, TemplateExtension>();
    for (const extension of definition.extensions) drawn.set(extension, this.encodeExtension(extension));
    const template = (situation: HelloSituation): ClientHelloTemplate => ({
      legacyVersion: definition.legacyVersion,
      cipherSuites,
      compressionMethods: definition.compressionMethods,
      extensions: definition.order[situation].flatMap((extension) => drawn.get(extension) ?? []),
    });
    return {
      definition,
      first: template(withServerName ? 'with_server_name' : 'without_server_name'),
      retry: template(withServerName ? 'retry_with_server_name' : 'retry_without_server_name'),
      cipherSuites: new Set(definition.cipherSuites.filter((suite) => suite !== GREASE)),
      keyShareGroups: definition.keyShareGroups.map((group) => this.value(group)),
    };
  }

  private encodeExtension({ type, content }: HelloExtension): TemplateExtension {
    switch (content.kind) {
      case 'server_name':
      case 'cookie':
      case 'key_share':
        return { kind: content.kind };
      case 'opaque':
        return { kind: 'fixed', type: this.value(type), data: content.data };
      case 'vector16': {
        const values = encode16(content.values.map((value) => this.value(value)));
        const data = new Uint8Array(content.lengthBytes + values.length);
        if (content.lengthBytes === 2) data[0] = values.length >> 8;
        data[content.lengthBytes - 1] = values.length & 0xff;
        data.set(values, content.lengthBytes);
        return { kind: 'fixed', type: this.value(type), data };
      }
    }
  }

  private value(codePoint: CodePoint): number {
    return codePoint === GREASE ? greaseValue(this.drawByte()) : codePoint;
  }
}

function greaseValue(random: number): number {
  const byte = (random & 0xf0) | 0x0a;
  return (byte << 8) | byte;
}

function hasGrease(hello: HelloDefinition): boolean {
  return (
    hello.cipherSuites.includes(GREASE) ||
    hello.keyShareGroups.includes(GREASE) ||
    hello.extensions.some(
      ({ type, content }) => type === GREASE || (content.kind === 'vector16' && content.values.includes(GREASE)),
    )
  );
}

function encode16(values: readonly number[]): Uint8Array {
  const out = new Uint8Array(values.length * 2);
  values.forEach((value, at) => {
    out[at * 2] = value >> 8;
    out[at * 2 + 1] = value;
  });
  return out;
}
