// Addresses as text: IPv4 in dotted decimals, IPv6 as RFC 5952 has it. A tap shows the same addresses over and over, and making the
// text costs more than all else that is done with one, so the texts made last are kept.

const MAX_CACHED = 16_384;

/** Remembers up to MAX_CACHED texts; a full one starts over, which is cheaper than keeping order. */
function remember<Key>(cache: Map<Key, string>, key: Key, text: string): string {
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(key, text);
  return text;
}

const ipv4Texts = new Map<number, string>();
const ipv6Texts = new Map<string, string>();

/** The text of an IPv4 address given as a number whose lowest byte is the first of the address. */
export function ipv4Text(address: number): string {
  const known = ipv4Texts.get(address);
  if (known !== undefined) return known;
  const text = `${address & 255}.${(address >>> 8) & 255}.${(address >>> 16) & 255}.${address >>> 24}`;
  return remember(ipv4Texts, address, text);
}

/** The text of the IPv6 address in the 16 bytes from `offset` on. */
export function ipv6Text(view: DataView, offset: number): string {
  const groups: number[] = [];
  let key = '';
  for (let at = 0; at < 16; at += 2) {
    const group = view.getUint16(offset + at);
    groups.push(group);
    key += String.fromCharCode(group);
  }
  return ipv6Texts.get(key) ?? remember(ipv6Texts, key, formatIpv6(groups));
}

/** RFC 5952 sections 4 and 5: lower case, no leading zeros, `::` for the first longest run of two zero groups or more. */
function formatIpv6(groups: readonly number[]): string {
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  let start = -1;
  let length = 1;
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
    if (to > from) from = to;
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
