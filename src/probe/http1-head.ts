// HEAD / over HTTP/1.1 (RFC 9112): writes the request, and reads of the answer no more than the header section, as
// tolerantly as a fingerprint wants it: servers that do not follow the RFC are the ones to be told apart.
import { cleanValue, type HttpHead } from './http-head.js';

/** A header section that is longer is read as far as this. */
const MAX_SECTION_LENGTH = 32 * 1024;
/** Interim answers (RFC 9110 section 15.2) that are passed over. */
const MAX_INTERIM = 4;
const STATUS_LINE = /^HTTP\/1\.\d (\d{3})/;

export class Http1Head implements HttpHead {
  done = false;
  answered = false;
  server: string | null = null;
  private request: Uint8Array | null;
  private text = '';
  private interim = 0;

  constructor(authority: string) {
    const lines = ['HEAD / HTTP/1.1', `Host: ${authority}`, 'User-Agent: hellotap', 'Accept: */*', 'Connection: close'];
    this.request = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  takeOutput(): Uint8Array | null {
    const { request } = this;
    this.request = null;
    return request;
  }

  receive(data: Uint8Array): void {
    if (this.done) return;
    const searchFrom = Math.max(0, this.text.length - 3);
    this.text += Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
    const isComplete = this.readSections(searchFrom);
    if (!isComplete && this.text.length > MAX_SECTION_LENGTH) this.close();
  }

  close(): void {
    if (this.done) return;
    this.finish(this.text.slice(0, MAX_SECTION_LENGTH));
  }

  /** True: the final answer's section is there. */
  private readSections(searchFrom: number): boolean {
    let from = searchFrom;
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.text.slice(from));
      if (end === null) return false;
      const section = this.text.slice(0, from + end.index);
      const status = STATUS_LINE.exec(section)?.[1] ?? '';
      if (!status.startsWith('1') || this.interim >= MAX_INTERIM) {
        this.finish(section);
        return true;
      }
      this.interim += 1;
      this.text = this.text.slice(from + end.index + end[0].length);
      from = 0;
    }
  }

  private finish(section: string): void {
    this.done = true;
    this.answered = STATUS_LINE.test(section);
    this.text = '';
    if (!this.answered) return;
    const values = section
      .split('\n')
      .slice(1)
      .filter((line) => /^server[ \t]*:/i.test(line))
      .map((line) => line.slice(line.indexOf(':') + 1).trim());
    if (values.length > 0) this.server = cleanValue(values.join(', '));
  }
}
