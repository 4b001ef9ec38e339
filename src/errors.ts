// The error that every room throws past its edge: a stable code for programs, one plain sentence for people.
// Hostile bytes never cause one of these on the hot path; they are values there (see tls/decoded.ts).

/** Stable codes; a caller may branch on them, so none is ever renamed. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_CONFIG'
  | 'ERR_CAPTURE_OPEN'
  | 'ERR_CAPTURE_FORMAT'
  | 'ERR_CAPTURE_LOST'
  | 'ERR_CAPTURE_PERMISSION'
  | 'ERR_CAPTURE_UNAVAILABLE'
  | 'ERR_TARGET'
  | 'ERR_HELLO_SET'
  | 'ERR_DATABASE_OPEN'
  | 'ERR_DATABASE_FORMAT'
  | 'ERR_DATABASE_VERSION'
  | 'ERR_DATABASE_BUSY'
  | 'ERR_DATABASE_WRITE'
  | 'ERR_IMPORT'
  | 'ERR_OUTPUT';

/** A failure with a code, and where it happened (file, byte offset, line), as far as known. */
export class HellotapError extends Error {
  override readonly name: string = 'HellotapError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}
