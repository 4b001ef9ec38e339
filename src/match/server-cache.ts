// What is remembered of servers, under a bound: an LRU by address, in which each address holds its few ports and names.
// By address, because that text is short and comes ready made with every flow: a key joined of all three would have to be
// built and hashed anew for each lookup, which takes five times as long.

import { LRUCache } from 'lru-cache';
import type { ServerKey } from '../database/server-key.js';

interface Slot<T> {
  readonly port: number;
  /** Undefined: any. */
  readonly serverName: string | null | undefined;
  readonly value: T;
}

export interface ServerCacheBounds {
  readonly maxServers: number;
  readonly maxBytes: number;
}

/** Ports and names that are looked through one by one at an address; more (a content network's) have a cache of their own. */
const MOST_SLOTS = 16;
/** What a server takes besides its texts: measured on V8 with a verdict of its own and shared labels. */
const BYTES_PER_SERVER = 400;

export class ServerCache<T extends object> {
  readonly #addresses: LRUCache<string, Slot<T>[]>;
  readonly #crowded: LRUCache<string, T>;

  constructor({ maxServers, maxBytes }: ServerCacheBounds) {
    // Half of the bytes for either: neither can push the other out. The bound of entries is kept through the bytes as
    // well: `max` would have lru-cache make room for all of them at once, which takes 50 ms of every start.
    const maxSize = Math.ceil(maxBytes / 2);
    const share = Math.max(1, Math.ceil(maxSize / maxServers));
    this.#addresses = new LRUCache({
      maxSize,
      sizeCalculation: (slots, address) =>
        Math.max(
          share,
          slots.reduce((sum, slot) => sum + BYTES_PER_SERVER + (slot.serverName?.length ?? 0), address.length),
        ),
    });
    this.#crowded = new LRUCache({
      maxSize,
      sizeCalculation: (_, text) => Math.max(share, BYTES_PER_SERVER + text.length),
    });
  }

  get({ address, port, serverName }: ServerKey): T | undefined {
    const slots = this.#addresses.get(address);
    if (slots === undefined) return undefined;
    for (const slot of slots) {
      if (slot.port === port && (slot.serverName === serverName || slot.serverName === undefined)) return slot.value;
    }
    return slots.length < MOST_SLOTS ? undefined : this.#crowded.get(crowdedText(address, port, serverName));
  }

  set({ address, port, serverName }: ServerKey, value: T): void {
    const slots = this.#addresses.peek(address) ?? [];
    const others = slots.filter((slot) => !isOf(slot, port, serverName));
    const text = crowdedText(address, port, serverName);
    if (others.length === slots.length && slots.length >= MOST_SLOTS) {
      this.#crowded.set(text, value);
    } else {
      this.#addresses.set(address, [...others, { port, serverName, value }]);
      // It may have been crowded out earlier, and must not come back with what it was then.
      this.#crowded.delete(text);
    }
  }

  /** Remembers the same of every name at an address and port, until something is set or deleted there. */
  setAll({ address, port }: Omit<ServerKey, 'serverName'>, value: T): void {
    const others = (this.#addresses.peek(address) ?? []).filter((slot) => slot.port !== port);
    this.#addresses.set(address, [{ port, serverName: undefined, value }, ...others]);
  }

  delete({ address, port, serverName }: ServerKey): void {
    const slots = this.#addresses.peek(address);
    if (slots === undefined) return;
    const others = slots.filter((slot) => !isOf(slot, port, serverName));
    if (others.length < slots.length) {
      if (others.length > 0) this.#addresses.set(address, others);
      else this.#addresses.delete(address);
    }
    this.#crowded.delete(crowdedText(address, port, serverName));
  }
}

/** Whether what a slot says is, or could be, of a server. */
function isOf({ port, serverName }: Slot<unknown>, ofPort: number, ofName: string | null): boolean {
  return port === ofPort && (serverName === ofName || serverName === undefined);
}

function crowdedText(address: string, port: number, serverName: string | null): string {
  return `${address} ${port} ${serverName ?? ''}`;
}
