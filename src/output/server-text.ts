// A server as people write it, and as `probe` and `baseline` read it.
import { endpoint } from './table-sink.js';

export interface WrittenServer {
  readonly address: string;
  readonly port: number;
  readonly serverName: string | null;
  /** Empty where TLS begins at once. */
  readonly startTls: string;
}

/** `192.0.2.7:443,www.example.org`, `smtp://[2001:db8::7]:25`. Not safe for a terminal as it is. */
export function serverText({ address, port, serverName, startTls }: WrittenServer): string {
  const scheme = startTls === '' ? '' : `${startTls}://`;
  return `${scheme}${endpoint(address, port)}${serverName === null ? '' : `,${serverName}`}`;
}
