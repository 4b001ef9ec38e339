// The first three columns of a row (ip,port,server_name), read from its bytes when they are of the usual kind: plain ASCII
// without quotes. Anything else is left to the reader that takes rows apart, which also says what is wrong with them.

import { addressBytes } from './address.js';
import { readIpv6 } from './ipv6-columns.js';

const COMMA = 0x2c;
const DOT = 0x2e;
const QUOTE = 0x22;
const ZERO = 0x30;
/** A name in a ClientHello is a DNS name of at most 255 bytes (RFC 6066 section 3). */
const MAX_NAME = 255;
/** The longest text of an IPv6 address has 45 characters. */
const MAX_ADDRESS = 45;

export class ServerColumns {
  /** Written anew for each row; how many bytes of it are its own. */
  readonly address = new Uint8Array(16);
  addressBytes = 0;
  port = 0;
  /** In lower case; as the address. */
  readonly name = new Uint8Array(MAX_NAME);
  nameBytes = 0;
  /** Where the fourth column begins. */
  end = 0;

  /** Reads the server of the row from `start` to `end`; false where it is not of the usual kind. */
  read(bytes: Buffer, start: number, end: number): boolean {
    const port = this.#readAddress(bytes, start, end);
    const name = port < 0 ? -1 : this.#readPort(bytes, port, end);
    return name >= 0 && this.#readName(bytes, name, end);
  }

  /** Where the next column begins, -1: no address. */
  #readAddress(bytes: Buffer, start: number, end: number): number {
    let parts = 0;
    let packed = 0;
    let value = -1;
    for (let at = start; at < end && at <= start + 15; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= ZERO && byte <= 0x39) {
        // A leading zero would be octal to some readers (RFC 6943 section 3.1.1).
        if (value === 0) return -1;
        value = (value < 0 ? 0 : value * 10) + byte - ZERO;
        if (value > 255) break;
      } else if ((byte === DOT || byte === COMMA) && value >= 0) {
        packed = (packed << 8) | value;
        parts += 1;
        if (byte === COMMA) {
          if (parts !== 4) return -1;
          this.address[0] = packed >>> 24;
          this.address[1] = packed >>> 16;
          this.address[2] = packed >>> 8;
          this.address[3] = packed;
          this.addressBytes = 4;
          return at + 1;
        }
        value = -1;
      } else {
        break;
      }
    }
    const ipv6End = readIpv6(bytes, start, end, this.address);
    if (ipv6End >= 0) {
      this.addressBytes = 16;
      return ipv6End + 1;
    }
    const comma = bytes.indexOf(COMMA, start);
    if (comma < 0 || comma > start + MAX_ADDRESS) return -1;
    const address = addressBytes(bytes.toString('latin1', start, comma));
    if (address === null) return -1;
    this.address.set(address);
    this.addressBytes = address.length;
    return comma + 1;
  }

  #readPort(bytes: Buffer, start: number, end: number): number {
    let port = 0;
    for (let at = start; at < end && at <= start + 5; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === COMMA) {
        this.port = port;
        return at > start && port >= 1 && port <= 65_535 ? at + 1 : -1;
      }
      if (byte < ZERO || byte > 0x39) return -1;
      port = port * 10 + byte - ZERO;
    }
    return -1;
  }

  #readName(bytes: Buffer, start: number, end: number): boolean {
    for (let at = start; at < end && at <= start + MAX_NAME; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === COMMA) {
        this.nameBytes = at - start;
        this.end = at + 1;
        return true;
      }
      if (byte <= 0x20 || byte >= 0x7f || byte === QUOTE) return false;
      this.name[at - start] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
    return false;
  }
}
