// Remembers what follows from the shape of a ClientHello alone: a tap shows the same few hundred shapes millions of times.
// The shape is all that JA3, JA4 and ALPN look at, without GREASE, which some clients choose anew each time. (Those that
// shuffle their extensions, too, have a new JA3 each time; for them nothing can be remembered, and nothing is lost.)
import { LRUCache } from 'lru-cache';
import type { ClientHello } from '../tls/client-hello.js';
import { ExtensionType } from '../tls/constants.js';
import { isGrease } from '../tls/grease.js';
import { ja3 } from './ja3.js';
import type { Ja3 } from './ja3.js';
import { ja4 } from './ja4.js';
import type { Ja4Transport } from './ja4.js';
import { uint16At } from './wire-lists.js';

/** What follows from the shape. */
export interface ClientHelloFingerprints {
  readonly ja3: Ja3 | null;
  readonly ja4: string | null;
  /** The protocol names of ALPN, null where there are none. */
  readonly alpn: readonly string[] | null;
}

/** Shapes that are remembered; with the longest keys and texts they take some 16 MiB. */
const DEFAULT_MAX_SHAPES = 4096;

/** Longer shapes are computed each time. Those of browsers have 150 to 250 bytes. */
const MAX_SHAPE_LENGTH = 1024;

const GREASE_BYTE = 0x0a;
export const NO_GREASE = -1;

/** Extensions whose data is part of the shape: where in it two-byte code points start, among which GREASE can be (or `NO_GREASE`). */
export const TELLING_EXTENSIONS: ReadonlyMap<ExtensionType, number> = new Map<ExtensionType, number>([
  [ExtensionType.SupportedGroups, 2],
  [ExtensionType.EcPointFormats, NO_GREASE],
  [ExtensionType.SignatureAlgorithms, 2],
  [ExtensionType.ApplicationLayerProtocolNegotiation, NO_GREASE],
  [ExtensionType.SupportedVersions, 1],
]);

/** Fingerprints of ClientHellos over one transport, remembered by shape; what was not seen for longest is forgotten first. */
export class ClientHelloShapes {
  private readonly remembered: LRUCache<string, ClientHelloFingerprints>;
  /** Where the shape of the hello at hand is put together. */
  private readonly shape = Buffer.allocUnsafe(MAX_SHAPE_LENGTH);
  private length = 0;

  constructor(
    private readonly transport: Ja4Transport,
    maxShapes: number = DEFAULT_MAX_SHAPES,
  ) {
    this.remembered = new LRUCache({ max: maxShapes });
  }

  /** How many shapes are remembered. */
  get size(): number {
    return this.remembered.size;
  }

  /** JA3, JA4 and ALPN of a hello. */
  fingerprints(hello: ClientHello): ClientHelloFingerprints {
    const key = this.shapeOf(hello);
    if (key === null) return this.compute(hello);
    const known = this.remembered.get(key);
    if (known !== undefined) return known;
    const fingerprints = this.compute(hello);
    this.remembered.set(key, fingerprints);
    return fingerprints;
  }

  private compute(hello: ClientHello): ClientHelloFingerprints {
    return { ja3: ja3(hello), ja4: ja4(hello, this.transport), alpn: hello.alpn };
  }

  /**
   * The shape as a key: version, cipher suites, types of extensions and the data of those that tell something, each with
   * its length where it can vary, so that no two shapes have the same key. Null: it is too long, or the hello is in SSLv2
   * format, of which there is little to say.
   */
  private shapeOf(hello: ClientHello): string | null {
    if (hello.format === 'sslv2') return null;
    const { bytes, layout, extensions } = hello;
    this.length = 0;
    if (!this.put16(layout.version)) return null;
    if (!this.putData(bytes, layout.cipherSuitesStart, layout.cipherSuitesEnd, 0)) return null;
    const count = extensions?.count ?? 0;
    for (let index = 0; index < count; index += 1) {
      const type = extensions?.typeAt(index) ?? 0;
      if (!this.put16(isGrease(type) ? (GREASE_BYTE << 8) | GREASE_BYTE : type)) return null;
      const greaseStart = TELLING_EXTENSIONS.get(type);
      if (greaseStart === undefined) continue;
      if (!this.putData(bytes, extensions?.startAt(index) ?? 0, extensions?.endAt(index) ?? 0, greaseStart))
        return null;
    }
    return this.shape.toString('latin1', 0, this.length);
  }

  private put16(value: number): boolean {
    const at = this.length;
    if (at + 2 > MAX_SHAPE_LENGTH) return false;
    this.shape[at] = value >> 8;
    this.shape[at + 1] = value & 0xff;
    this.length = at + 2;
    return true;
  }

  /** Puts bytes behind their length; GREASE among the code points from `greaseStart` on becomes one and the same. */
  private putData(bytes: Uint8Array, start: number, end: number, greaseStart: number): boolean {
    if (!this.put16(end - start) || this.length + (end - start) > MAX_SHAPE_LENGTH) return false;
    const { shape } = this;
    let to = this.length;
    let from = start;
    const rawEnd = greaseStart === NO_GREASE ? end : Math.min(start + greaseStart, end);
    while (from < rawEnd) shape[to++] = bytes[from++] ?? 0;
    while (from + 1 < end) {
      const value = uint16At(bytes, from);
      const grease = isGrease(value);
      shape[to] = grease ? GREASE_BYTE : value >> 8;
      shape[to + 1] = grease ? GREASE_BYTE : value & 0xff;
      to += 2;
      from += 2;
    }
    if (from < end) shape[to++] = bytes[from] ?? 0;
    this.length = to;
    return true;
  }
}
