// What a handshake has shown so far: the observation that fingerprints are made from, filled in as bytes are read.
import type {
  ExtensionItem,
  ExtensionList,
  HandshakeObservation,
  ServerHelloChoice,
} from '../fingerprint/handshake-observation.js';

/** A HandshakeObservation under way. A decoder appends each extension as it reads it, before it looks into its data. */
export class HandshakeNotes implements HandshakeObservation {
  /** Of the last ServerHello that could be decoded, a HelloRetryRequest included. */
  serverHello: ServerHelloChoice | null = null;
  serverHelloExtensions: ExtensionList = null;
  encryptedExtensions: ExtensionList = null;
  certificateRequestExtensions: ExtensionList = null;
  helloRetryRequestExtensions: ExtensionList = null;
  certificateExtensions: ExtensionList = null;
  readonly alerts: number[] = [];
  /** DER of the server's own certificate. */
  certificate: Uint8Array | null = null;
  /** Whether the server asked for a certificate, in TLS 1.2 and lower; null: it was not seen so far. */
  certificateRequested: boolean | null = null;
  /** The curve of the ServerKeyExchange, in TLS 1.2 and lower. */
  keyExchangeGroup: number | null = null;

  /** Starts the list anew, empty: the message came. What is appended to the result shows up in the notes. */
  begin(list: ExtensionListName): ExtensionItem[] {
    const items: ExtensionItem[] = [];
    this[list] = items;
    return items;
  }
}

export type ExtensionListName =
  | 'serverHelloExtensions'
  | 'encryptedExtensions'
  | 'certificateRequestExtensions'
  | 'helloRetryRequestExtensions'
  | 'certificateExtensions';
