// RC4 for cipher suites of TLS 1.2 and lower: OpenSSL 3 keeps it in its legacy provider, which Node.js does not load.
// Here to finish handshakes with servers that still choose it, and for nothing else (RFC 7465 forbids it).

/** The key stream of one direction. Checked against RFC 6229. */
export class Rc4 {
  private readonly state = new Uint8Array(256);
  private i = 0;
  private j = 0;

  /** `key`: 1 to 256 bytes. */
  constructor(key: Uint8Array) {
    const { state } = this;
    for (let i = 0; i < 256; i++) state[i] = i;
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const si = state[i] ?? 0;
      j = (j + si + (key[i % key.length] ?? 0)) & 0xff;
      state[i] = state[j] ?? 0;
      state[j] = si;
    }
  }

  /** Encrypts or decrypts: the next `data.length` bytes of the key stream over `data`, in a new buffer. */
  apply(data: Uint8Array): Uint8Array {
    const { state } = this;
    let { i, j } = this;
    const out = new Uint8Array(data.length);
    for (let at = 0; at < data.length; at++) {
      i = (i + 1) & 0xff;
      const si = state[i] ?? 0;
      j = (j + si) & 0xff;
      const sj = state[j] ?? 0;
      state[i] = sj;
      state[j] = si;
      out[at] = (data[at] ?? 0) ^ (state[(si + sj) & 0xff] ?? 0);
    }
    this.i = i;
    this.j = j;
    return out;
  }
}
