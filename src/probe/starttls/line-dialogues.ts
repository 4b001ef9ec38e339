// STARTTLS of the protocols that speak in lines: SMTP (RFC 3207), IMAP (RFC 9051 section 6.2.1), POP3 (RFC 2595 section 4)
// and FTP (RFC 4217). Each is a list of replies to wait for, with what is said then.
import { FAILED, INCOMPLETE } from './dialogue.js';
import type { DialogueStep, StartTlsDialogue } from './dialogue.js';

/** What a line means to the one that waits: `pass`: the reply is not over, or is not ours. */
type Judgement = 'good' | 'bad' | 'pass';

interface Exchange {
  judge(line: string): Judgement;
  /** What is said once the reply was good; null: TLS begins. */
  readonly say: string | null;
}

class LineDialogue implements StartTlsDialogue {
  readonly opening = null;
  private at = 0;

  constructor(private readonly exchanges: readonly Exchange[]) {}

  read(received: Uint8Array): DialogueStep {
    const end = received.indexOf(0x0a);
    const exchange = this.exchanges[this.at];
    if (exchange === undefined) return FAILED;
    if (end < 0) return INCOMPLETE;
    const line = Buffer.from(received.subarray(0, end)).toString('latin1').replace(/\r$/, '');
    const read = end + 1;
    switch (exchange.judge(line)) {
      case 'pass':
        return { kind: 'more', read, send: null };
      case 'bad':
        return FAILED;
      case 'good':
        this.at += 1;
        if (exchange.say === null) return { kind: 'ready', read, send: null };
        return { kind: 'more', read, send: Buffer.from(`${exchange.say}\r\n`, 'latin1') };
    }
  }
}

/** A reply of three digits, over one line or several. RFC 5321 section 4.2.1, RFC 959 section 4.2. */
function reply(code: string): Exchange['judge'] {
  let isWithin = false;
  return (line) => {
    const isLast = line.startsWith(`${code} `) || line === code;
    if (isLast) return 'good';
    if (line.startsWith(`${code}-`)) isWithin = true;
    return isWithin ? 'pass' : 'bad';
  };
}

/** RFC 1939 section 3. */
const pop3Ok = (line: string): Judgement => (line.startsWith('+OK') ? 'good' : 'bad');

const imapGreeting = (line: string): Judgement => (/^\* OK\b/i.test(line) ? 'good' : 'bad');

/** Whatever is not tagged is for somebody else to read, but for the server's farewell. */
function imapTagged(tag: string): Exchange['judge'] {
  return (line) => {
    if (/^\* BYE\b/i.test(line)) return 'bad';
    if (!line.startsWith(`${tag} `)) return 'pass';
    return /^\S+ OK\b/i.test(line) ? 'good' : 'bad';
  };
}

/** The name in EHLO is one that cannot exist (RFC 6761 section 6.4): ours is no matter of the server. */
export const smtpDialogue = (): StartTlsDialogue =>
  new LineDialogue([
    { judge: reply('220'), say: 'EHLO hellotap.invalid' },
    { judge: reply('250'), say: 'STARTTLS' },
    { judge: reply('220'), say: null },
  ]);

export const imapDialogue = (): StartTlsDialogue =>
  new LineDialogue([
    { judge: imapGreeting, say: 'a1 STARTTLS' },
    { judge: imapTagged('a1'), say: null },
  ]);

export const pop3Dialogue = (): StartTlsDialogue =>
  new LineDialogue([
    { judge: pop3Ok, say: 'STLS' },
    { judge: pop3Ok, say: null },
  ]);

export const ftpDialogue = (): StartTlsDialogue =>
  new LineDialogue([
    { judge: reply('220'), say: 'AUTH TLS' },
    { judge: reply('234'), say: null },
  ]);
