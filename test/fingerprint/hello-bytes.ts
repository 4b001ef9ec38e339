// Puts ClientHello bodies together for tests of rules that no capture at hand shows.

/** A two-byte number. */
export function uint16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** Bytes behind a length field of one or two bytes. */
export function vector(lengthSize: 1 | 2, bytes: readonly number[]): number[] {
  return [...(lengthSize === 1 ? [bytes.length] : uint16(bytes.length)), ...bytes];
}

export interface HelloParts {
  readonly version?: number;
  readonly ciphers: readonly number[];
  /** Type and data, in wire order. */
  readonly extensions: readonly (readonly [number, readonly number[]])[];
}

/** The body of a ClientHello. */
export function clientHelloBody({ version = 0x0303, ciphers, extensions }: HelloParts): Uint8Array {
  const random = Array.from({ length: 32 }, (_, index) => index);
  const block = extensions.flatMap(([type, data]) => [...uint16(type), ...vector(2, data)]);
  return Uint8Array.from([
    ...uint16(version),
    ...random,
    ...vector(1, []),
    ...vector(2, ciphers.flatMap(uint16)),
    ...vector(1, [0]),
    ...(extensions.length === 0 ? [] : vector(2, block)),
  ]);
}
