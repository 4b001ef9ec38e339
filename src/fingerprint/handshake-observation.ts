// What one handshake with a server let us see, as far as the text fingerprint of it (stack.ts) depends on it.
// The prober fills this in while it talks; `explain` gets it back from a stored text.
import type { Extension } from '../tls/extension.js';

/** An extension as noted: its type and its raw data. */
export type ExtensionItem = Extension;

/** Null: the message never came. An empty list: it came with an extension block that held none. */
export type ExtensionList = readonly ExtensionItem[] | null;

/** The two fields of a ServerHello that the fingerprint shows. */
export interface ServerHelloChoice {
  /** legacy_version of the (last) ServerHello as it stood on the wire: 0x0303 also where TLS 1.3 was chosen. */
  readonly version: number;
  /** The cipher suite that it chose. */
  readonly cipher: number;
}

/** One handshake, seen from the client. Every list is in wire order. */
export interface HandshakeObservation {
  /** Of the last ServerHello, or of a HelloRetryRequest that nothing came after. Null: none could be decoded completely. */
  readonly serverHello: ServerHelloChoice | null;
  /**
   * Null also where the ServerHello had no extension block at all. Of a ServerHello that turned out to be malformed,
   * the extensions read before the fault are noted here while `serverHello` stays null.
   */
  readonly serverHelloExtensions: ExtensionList;
  readonly encryptedExtensions: ExtensionList;
  /** TLS 1.3 only. */
  readonly certificateRequestExtensions: ExtensionList;
  readonly helloRetryRequestExtensions: ExtensionList;
  /** TLS 1.3 only: the extensions of the one entry of the chain; of a longer chain always the empty list. */
  readonly certificateExtensions: ExtensionList;
  /** AlertDescription of every alert received, warnings and close_notify included, in order. */
  readonly alerts: readonly number[];
}
