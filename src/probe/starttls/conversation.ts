// Puts the words that come before TLS in front of a conversation over TLS, on the same connection.
import type { Conversation } from '../connection.js';
import type { ProbeOutcome, ProbeTarget } from '../probe-result.js';
import type { StartTlsDialogue, StartTlsProtocol } from './dialogue.js';
import { LdapDialogue } from './ldap.js';
import { ftpDialogue, imapDialogue, pop3Dialogue, smtpDialogue } from './line-dialogues.js';
import { MysqlDialogue, PostgresDialogue } from './sql.js';
import { XmppDialogue } from './xmpp.js';

/** All that a server may say before TLS. */
const MAX_DIALOGUE_LENGTH = 16 * 1024;

const DIALOGUES: Readonly<Record<StartTlsProtocol, (target: ProbeTarget) => StartTlsDialogue>> = {
  smtp: smtpDialogue,
  imap: imapDialogue,
  pop3: pop3Dialogue,
  ftp: ftpDialogue,
  ldap: () => new LdapDialogue(),
  xmpp: ({ serverName, address }) => new XmppDialogue(serverName ?? address),
  postgres: () => new PostgresDialogue(),
  mysql: () => new MysqlDialogue(),
};

/** `tls` itself, or behind the words that the target's protocol needs. */
export function withStartTls(target: ProbeTarget, tls: Conversation): Conversation {
  return target.startTls === undefined ? tls : new StartTlsConversation(DIALOGUES[target.startTls](target), tls);
}

/** Fails with `not_tls` where the server does not want to speak TLS. */
export class StartTlsConversation implements Conversation {
  private ready = false;
  private output: Uint8Array[] = [];
  private received: Uint8Array = new Uint8Array(0);
  private length = 0;

  constructor(
    private readonly dialogue: StartTlsDialogue,
    private readonly tls: Conversation,
  ) {
    if (dialogue.opening !== null) this.output.push(dialogue.opening);
  }

  get outcome(): ProbeOutcome | null {
    return this.tls.outcome;
  }

  takeOutput(): Uint8Array | null {
    const { output } = this;
    this.output = [];
    const following = this.ready ? this.tls.takeOutput() : null;
    if (following !== null) output.push(following);
    return output.length === 0 ? null : Buffer.concat(output);
  }

  receive(bytes: Uint8Array): void {
    if (this.ready) {
      this.tls.receive(bytes);
      return;
    }
    this.length += bytes.length;
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    // What comes with the last word is TLS's; a server that has not come to it by then never will.
    if (!this.readOn() && this.length > MAX_DIALOGUE_LENGTH) this.tls.end('not_tls');
  }

  end(outcome: ProbeOutcome): void {
    this.tls.end(outcome);
  }

  onWake(wake: () => void): void {
    this.tls.onWake?.(wake);
  }

  /** True: TLS has begun. */
  private readOn(): boolean {
    while (!this.ready && this.received.length > 0 && this.outcome === null) {
      const step = this.dialogue.read(this.received);
      if (step.kind === 'incomplete') return false;
      if (step.kind === 'failed') {
        this.tls.end('not_tls');
        return false;
      }
      if (step.send !== null) this.output.push(step.send);
      this.received = this.received.subarray(step.read);
      this.ready = step.kind === 'ready';
    }
    if (this.ready && this.received.length > 0) this.tls.receive(this.received);
    return this.ready;
  }
}
