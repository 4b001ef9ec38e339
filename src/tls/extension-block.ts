// The extension block of a message: where each extension lies, in wire order. Nothing is copied, and a view is made only
// of an extension that someone asks for. What the data means is decoded by extensions.ts.
import type { ExtensionType } from './constants.js';
import type { Malformed } from './decoded.js';
import type { Extension } from './extension.js';

/** Numbers per extension in `ExtensionBlock.layout`. */
const STRIDE = 3;

/** RFC 8446 section 4.2: `Extension extensions<..>`, as far as it could be read. */
export class ExtensionBlock {
  constructor(
    /** What the offsets below count in. */
    readonly bytes: Uint8Array,
    /** type, start and end of the data of each extension, one after the other. */
    private readonly layout: readonly number[],
    /** Where an extension ran past the end of the block; those before it are there. Null: all were read. */
    readonly fault: Malformed | null,
  ) {}

  get count(): number {
    return this.layout.length / STRIDE;
  }

  /** Type of the extension at `index`, 0 up to `count` - 1. */
  typeAt(index: number): ExtensionType {
    return this.layout[index * STRIDE] ?? 0;
  }

  startAt(index: number): number {
    return this.layout[index * STRIDE + 1] ?? 0;
  }

  endAt(index: number): number {
    return this.layout[index * STRIDE + 2] ?? 0;
  }

  /** Index of the first extension of a type, -1: none. (RFC 8446 forbids a second one; not every sender cares.) */
  indexOf(type: ExtensionType): number {
    const { layout } = this;
    for (let at = 0; at < layout.length; at += STRIDE) {
      if (layout[at] === type) return at / STRIDE;
    }
    return -1;
  }

  has(type: ExtensionType): boolean {
    return this.indexOf(type) >= 0;
  }

  /** The data of the first extension of a type as a view, null: there is none. */
  data(type: ExtensionType): Uint8Array | null {
    const index = this.indexOf(type);
    return index < 0 ? null : this.bytes.subarray(this.startAt(index), this.endAt(index));
  }

  /** All extensions, in wire order, as views. */
  list(): Extension[] {
    const list: Extension[] = [];
    for (let index = 0; index < this.count; index += 1) {
      list.push({ type: this.typeAt(index), data: this.bytes.subarray(this.startAt(index), this.endAt(index)) });
    }
    return list;
  }
}

/** Reads the extensions in `bytes` from `start` to `end` (what follows the block's length field). Never throws. */
export function readExtensions(bytes: Uint8Array, start: number, end: number): ExtensionBlock {
  const layout: number[] = [];
  let fault: Malformed | null = null;
  let at = start;
  while (at < end) {
    const dataStart = at + 4;
    if (dataStart > end) {
      fault = { kind: 'malformed', offset: at, reason: 'an extension header ends early' };
      break;
    }
    const type = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const dataEnd = dataStart + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (dataEnd > end) {
      fault = { kind: 'malformed', offset: at, reason: `extension ${type} ends ${dataEnd - end} bytes early` };
      break;
    }
    layout.push(type, dataStart, dataEnd);
    at = dataEnd;
  }
  return new ExtensionBlock(bytes, layout, fault);
}

/** The block at the end of a hello, and what is wrong with how it is framed. */
export interface TrailingExtensions {
  /** Null: the message ends without a block. */
  readonly block: ExtensionBlock | null;
  /** The block's own length says something else than the message's. Extensions inside of both were still read. */
  readonly framing: Malformed | null;
}

const NO_BLOCK: TrailingExtensions = { block: null, framing: null };

/** Reads the optional extension block that goes from `start` to the end of a message. */
export function readTrailingExtensions(bytes: Uint8Array, start: number, messageEnd: number): TrailingExtensions {
  if (start >= messageEnd) return NO_BLOCK;
  if (start + 2 > messageEnd) {
    return {
      block: null,
      framing: { kind: 'malformed', offset: start, reason: 'the length of extensions ends early' },
    };
  }
  const end = start + 2 + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0));
  if (end === messageEnd) return { block: readExtensions(bytes, start + 2, end), framing: null };
  const reason =
    end > messageEnd
      ? `extensions end ${end - messageEnd} bytes early`
      : `${messageEnd - end} bytes left over behind extensions`;
  return {
    block: readExtensions(bytes, start + 2, Math.min(end, messageEnd)),
    framing: { kind: 'malformed', offset: start, reason },
  };
}
