// What identifies a TLS server: an address, a port and the name that was asked for.

/** `address`: canonical text (RFC 5952 for IPv6); `serverName`: SNI in lower case, null where none was sent. */
export interface ServerKey {
  readonly address: string;
  readonly port: number;
  readonly serverName: string | null;
}
