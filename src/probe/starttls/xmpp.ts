// STARTTLS of XMPP, as a client asks a server for it. RFC 6120 sections 4 and 5. What the server says is searched for the
// few elements that matter, not parsed: it is the server's beginning of a document that never ends.
import { FAILED, INCOMPLETE } from './dialogue.js';
import type { DialogueStep, StartTlsDialogue } from './dialogue.js';

const TLS_NAMESPACE = 'urn:ietf:params:xml:ns:xmpp-tls';
/** A domain that may stand in an attribute as it is. */
const PLAIN_NAME = /^[A-Za-z0-9._-]+$/;
const REFUSAL = /<(?:\w+:)?(?:failure|error)\b|<\/stream:stream\s*>/;

export class XmppDialogue implements StartTlsDialogue {
  readonly opening: Uint8Array;
  private asked = false;

  /** `domain`: whom the stream is for; null, or what is no name: nobody is named. */
  constructor(domain: string | null) {
    const to = domain !== null && PLAIN_NAME.test(domain) ? ` to='${domain}'` : '';
    const namespaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
    this.opening = Buffer.from(`<?xml version='1.0'?><stream:stream${to} ${namespaces} version='1.0'>`, 'latin1');
  }

  read(received: Uint8Array): DialogueStep {
    const text = Buffer.from(received).toString('latin1');
    if (!/^\s*(?:<|$)/.test(text)) return FAILED;
    const found = findElement(text, this.asked ? 'proceed' : 'features');
    if (found === null) return REFUSAL.test(text) ? FAILED : INCOMPLETE;
    const read = found.end;
    if (this.asked) return { kind: 'ready', read, send: null };
    if (!text.slice(found.start, found.end).includes(TLS_NAMESPACE)) return FAILED;
    this.asked = true;
    return { kind: 'more', read, send: Buffer.from(`<starttls xmlns='${TLS_NAMESPACE}'/>`, 'latin1') };
  }
}

/** Where the first element of that name is; null: not there, or not all of it. Takes time in proportion to the text. */
function findElement(text: string, name: string): { readonly start: number; readonly end: number } | null {
  const start = new RegExp(`<(?:\\w+:)?${name}(?=[\\s/>])`).exec(text)?.index ?? -1;
  const tagEnd = start < 0 ? -1 : text.indexOf('>', start);
  if (tagEnd < 0) return null;
  if (text.charAt(tagEnd - 1) === '/') return { start, end: tagEnd + 1 };
  const closing = new RegExp(`</(?:\\w+:)?${name}\\s*>`).exec(text.slice(tagEnd));
  return closing === null ? null : { start, end: tagEnd + closing.index + closing[0].length };
}
