// The event of a flow, made of parts: most of what it says stands in objects that many flows share (what a hello showed, a
// certificate, a verdict), whose JSON is made once. It reads as any TlsEvent does; its line is put together without making one.
import type { Verdict } from '../match/verdict.js';
import type { EventInput, FlowIdentity, TlsEvent, TlsFields, TunnelFields } from './event.js';
import type { TunnelLayer } from '../capture/flow-record.js';
import type { OpeningTexts } from '../capture/teller.js';
import type { TextBuffer } from './text-buffer.js';
import { formatTimestamp } from './timestamp.js';

/** Members of an event's `tls`, and their JSON. */
export class SharedFields {
  #json: Buffer | undefined;

  constructor(readonly fields: TlsFields) {}

  /** Each member with a comma before it. */
  get json(): Buffer {
    return (this.#json ??= Buffer.from(members(this.fields)));
  }
}

/** What a ClientHello showed, but for the name. */
export interface ClientPart {
  readonly tls: SharedFields;
  readonly ech: boolean;
}

/** What a ServerHello showed. */
export interface ServerPart {
  readonly tls: SharedFields;
  /** Four hexadecimal digits. */
  readonly cipher: string;
  readonly group: string | null;
}

/** What of a handshake its event says. */
export interface FlowParts {
  readonly sni: string | null;
  readonly client: ClientPart | null;
  readonly server: ServerPart | null;
  readonly certificate: SharedFields | null;
  readonly resumed: boolean | null;
  /** Text fingerprint, with a key log alone. */
  readonly handshake: string | null;
  /** What the flow came in, outermost first; null: nothing. */
  readonly tunnels: readonly TunnelLayer[] | null;
}

/** Suricata's `tls` object of a flow. */
export function tlsFields({ sni, client, server, certificate, resumed }: FlowParts): TlsFields {
  return {
    ...(sni === null ? {} : { sni }),
    ...client?.tls.fields,
    ...server?.tls.fields,
    ...certificate?.fields,
    ...(resumed === null ? {} : { session_resumed: resumed }),
  };
}

/** Text that JSON takes between quotes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** The event `tls`. What has to be put together is, when it is asked for. */
export class FlowEvent implements TlsEvent {
  readonly event_type = 'tls';
  readonly #time: number;
  readonly #parts: FlowParts;
  readonly #verdict: Verdict;

  /** @param time microseconds since 1970 */
  constructor(
    time: number,
    readonly identity: FlowIdentity,
    parts: FlowParts,
    verdict: Verdict,
  ) {
    this.#time = time;
    this.#parts = parts;
    this.#verdict = verdict;
  }

  get flow_id(): number {
    return this.identity.flow_id;
  }

  get pcap_filename(): string | undefined {
    return this.identity.pcap_filename;
  }

  get in_iface(): string | undefined {
    return this.identity.in_iface;
  }

  get src_ip(): string {
    return this.identity.src_ip;
  }

  get src_port(): number {
    return this.identity.src_port;
  }

  get dest_ip(): string {
    return this.identity.dest_ip;
  }

  get dest_port(): number {
    return this.identity.dest_port;
  }

  get proto(): 'TCP' | 'UDP' {
    return this.identity.proto;
  }

  get vlan(): readonly number[] | undefined {
    return this.identity.vlan;
  }

  get tunnel(): TunnelFields | undefined {
    return this.identity.tunnel;
  }

  get community_id(): string {
    return this.identity.community_id;
  }

  get timestamp(): string {
    return formatTimestamp(this.#time);
  }

  get tls(): TlsFields {
    return tlsFields(this.#parts);
  }

  get hellotap(): TlsEvent['hellotap'] {
    const { client, server, handshake, tunnels } = this.#parts;
    const group = server?.group ?? null;
    return {
      ...(server === null ? {} : { cipher: server.cipher }),
      ...(group === null ? {} : { group }),
      ech: client?.ech ?? false,
      ...(handshake === null ? {} : { handshake }),
      ...(tunnels === null ? {} : { tunnels }),
      client_hello: client !== null,
      server_hello: server !== null,
      verdict: this.#verdict,
    };
  }

  /** What JSON.stringify makes of it. */
  toJSON(): TlsEvent {
    const { timestamp, event_type, identity, tls, hellotap } = this;
    return { timestamp, event_type, ...identity, tls, hellotap };
  }

  /** Puts the same text as JSON.stringify gives. */
  write(out: TextBuffer): void {
    const { sni, client, server, certificate, resumed, handshake, tunnels } = this.#parts;
    out.text(this.#head() + (sni === null ? '' : `"sni":${quoted(sni)}`));
    let isFirst = sni === null;
    for (const part of [client?.tls, server?.tls, certificate]) {
      if (part === undefined || part === null || part.json.length === 0) continue;
      out.bytes(part.json, isFirst ? 1 : 0);
      isFirst = false;
    }
    out.text(
      (resumed === null ? '' : `${isFirst ? '' : ','}"session_resumed":${resumed}`) +
        '},"hellotap":{' +
        (server === null ? '' : ownOfServer(server)) +
        `"ech":${client?.ech ?? false},` +
        (handshake === null ? '' : `"handshake":${quoted(handshake)},`) +
        (tunnels === null ? '' : `"tunnels":${JSON.stringify(tunnels)},`) +
        `"client_hello":${client !== null},"server_hello":${server !== null},"verdict":`,
    );
    out.bytes(verdictJson(this.#verdict));
    out.text('}}');
  }

  #head(): string {
    const { flow_id, src_ip, src_port, dest_ip, dest_port, proto, vlan, tunnel, community_id } = this.identity;
    return (
      `{"timestamp":"${this.timestamp}","event_type":"tls","flow_id":${flow_id},` +
      inputMember(this.identity) +
      `"src_ip":"${src_ip}","src_port":${src_port},"dest_ip":"${dest_ip}","dest_port":${dest_port},"proto":"${proto}"` +
      (vlan === undefined ? '' : `,"vlan":${JSON.stringify(vlan)}`) +
      (tunnel === undefined ? '' : `,"tunnel":${JSON.stringify(tunnel)}`) +
      `,"community_id":"${community_id}","tls":{`
    );
  }
}

/** What a flow's event says of a client's opening, for a teller to put together (native/tell): as `FlowEvent.write` does. */
export function clientMembers({ tls, ech }: ClientPart): OpeningTexts {
  return { tls: tls.json, own: Buffer.from(`"ech":${ech},"client_hello":true,`) };
}

/** Likewise of a server's. */
export function serverMembers(part: ServerPart): OpeningTexts {
  return { tls: part.tls.json, own: Buffer.from(ownOfServer(part)) };
}

/** Likewise of a session that was resumed, or not. */
export function resumedMember(resumed: boolean): Uint8Array {
  return Buffer.from(`,"session_resumed":${resumed}`);
}

/** Likewise, how it names its input. */
export function inputMember({ pcap_filename, in_iface }: EventInput): string {
  return (
    (pcap_filename === undefined ? '' : `"pcap_filename":${quoted(pcap_filename)},`) +
    (in_iface === undefined ? '' : `"in_iface":${quoted(in_iface)},`)
  );
}

function ownOfServer({ cipher, group }: ServerPart): string {
  return `"cipher":"${cipher}",${group === null ? '' : `"group":${quoted(group)},`}`;
}

/** Members of an object, as JSON, each with a comma before it. */
export function members(fields: TlsFields): string {
  let text = '';
  let key: keyof TlsFields;
  for (key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    text += `,"${key}":${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`;
  }
  return text;
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Verdicts are not changed once they are in an event, and are handed out to many. */
const verdictTexts = new WeakMap<Verdict, Buffer>();

/** What is said of a server. */
export function verdictJson(verdict: Verdict): Buffer {
  let json = verdictTexts.get(verdict);
  if (json === undefined) {
    json = Buffer.from(JSON.stringify(verdict));
    verdictTexts.set(verdict, json);
  }
  return json;
}
