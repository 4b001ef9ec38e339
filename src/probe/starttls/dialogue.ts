// The few words that some protocols exchange before TLS begins on the same connection, as pure state machines.
// The dialogues of each protocol: line-dialogues.ts, ldap.ts, xmpp.ts, sql.ts. What carries them: conversation.ts.

/** Protocols that go over to TLS within a connection, with the ports that they have where none is given. */
export const STARTTLS_PORTS = {
  smtp: 25,
  imap: 143,
  pop3: 110,
  ftp: 21,
  ldap: 389,
  xmpp: 5222,
  postgres: 5432,
  mysql: 3306,
} as const;

export type StartTlsProtocol = keyof typeof STARTTLS_PORTS;

export function isStartTlsProtocol(name: unknown): name is StartTlsProtocol {
  return typeof name === 'string' && Object.hasOwn(STARTTLS_PORTS, name);
}

/** What follows from what came. */
export type DialogueStep =
  /** Nothing until more comes: what was read has to be read again, with it. */
  | { readonly kind: 'incomplete' }
  /** `read` bytes are done with; `send` is the answer, null: none. */
  | { readonly kind: 'more'; readonly read: number; readonly send: Uint8Array | null }
  /** TLS may begin, behind `send`. Bytes after the first `read` came too early; TLS has to make of them what it can. */
  | { readonly kind: 'ready'; readonly read: number; readonly send: Uint8Array | null }
  /** The server does not want to, or does not speak this protocol. */
  | { readonly kind: 'failed' };

export interface StartTlsDialogue {
  /** What is said first; null: the server speaks first. */
  readonly opening: Uint8Array | null;
  /** Takes what came and is not done with, at least one byte. */
  read(received: Uint8Array): DialogueStep;
}

export const INCOMPLETE: DialogueStep = { kind: 'incomplete' };
export const FAILED: DialogueStep = { kind: 'failed' };
