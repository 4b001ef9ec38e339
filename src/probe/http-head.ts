// What HTTP/1.1 and HTTP/2 have in common for who asks for a header section.

export const MAX_SERVER_LENGTH = 512;

/** One request in the making. */
export interface HttpHead {
  /** What has to be sent; null: nothing. */
  takeOutput(): Uint8Array | null;
  receive(data: Uint8Array): void;
  /** The connection has ended. */
  close(): void;
  /** Whether the answer has come, or cannot come any more. */
  readonly done: boolean;
  /** Whether the answer was one of HTTP. */
  readonly answered: boolean;
  /** The Server header; null: none (so far). */
  readonly server: string | null;
}

/** A field value without control characters and the space around it. RFC 9110 section 5.5. */
export function cleanValue(value: string): string {
  return value
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .trim()
    .slice(0, MAX_SERVER_LENGTH);
}
