// Addresses as text: IPv4 in dotted decimals, IPv6 as RFC 5952 has it. A tap shows the same addresses over and over, and making the
// text costs more than all else that is done with one, so texts made lately are kept, in bounded room.

/** Texts of IPv4 addresses: each address has one place, which the last one of those that share it holds. */
const IPV4_PLACE_BITS = 12;
const ipv4Addresses = new Uint32Array(1 << IPV4_PLACE_BITS);
const ipv4Texts = new Array<string>(1 << IPV4_PLACE_BITS).fill('0.0.0.0');

const BYTE_TEXTS = Array.from({ length: 256 }, (_, byte) => String(byte));
const byteText = (byte: number): string => BYTE_TEXTS[byte & 255] ?? '';

/** The text of an IPv4 address given as a number whose lowest byte is the first of the address. */
export function ipv4Text(address: number): string {
  // Multiplication by the golden ratio spreads neighbours (Knuth, The Art of Computer Programming, section 6.4).
  const place = Math.imul(address, 0x9e3779b1) >>> (32 - IPV4_PLACE_BITS);
  const known = ipv4Texts[place];
  if (known !== undefined && ipv4Addresses[place] === address) return known;
  const text = `${byteText(address)}.${byteText(address >>> 8)}.${byteText(address >>> 16)}.${byteText(address >>> 24)}`;
  ipv4Addresses[place] = address;
  ipv4Texts[place] = text;
  return text;
}

const MAX_IPV6_TEXTS = 16_384;
const ipv6Texts = new Map<string, string>();

/** The text of the IPv6 address in the 16 bytes from `offset` on. */
export function ipv6Text(view: DataView, offset: number): string {
  const groups: number[] = [];
  let key = '';
  for (let at = 0; at < 16; at += 2) {
    const group = view.getUint16(offset + at);
    groups.push(group);
    key += String.fromCharCode(group);
  }
  const known = ipv6Texts.get(key);
  if (known !== undefined) return known;
  // To start over is cheaper than to keep an order.
  if (ipv6Texts.size >= MAX_IPV6_TEXTS) ipv6Texts.clear();
  const text = formatIpv6(groups);
  ipv6Texts.set(key, text);
  return text;
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
