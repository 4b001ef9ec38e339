// Events as JSON text. Flows are most of what is written, and most of a flow's text stands in objects that many flows
// share (a fingerprint, a list of protocols, a verdict): their text is made once and kept as long as they are.
import type { HellotapEvent, TlsEvent, TlsFields } from './event.js';

const fragments = new WeakMap<object, string>();

/** Text that JSON takes between quotes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** The same text as JSON.stringify gives, but for the order of keys within `tls`. */
export function eventJson(event: HellotapEvent): string {
  return event.event_type === 'tls' ? tlsEventJson(event) : JSON.stringify(event);
}

function tlsEventJson(event: TlsEvent): string {
  const { timestamp, flow_id, pcap_filename, in_iface, src_ip, src_port, dest_ip, dest_port, proto } = event;
  const { vlan, tunnel, community_id, hellotap } = event;
  const input =
    (pcap_filename === undefined ? '' : `,"pcap_filename":${quoted(pcap_filename)}`) +
    (in_iface === undefined ? '' : `,"in_iface":${quoted(in_iface)}`);
  const path =
    (vlan === undefined ? '' : `,"vlan":${JSON.stringify(vlan)}`) +
    (tunnel === undefined ? '' : `,"tunnel":${JSON.stringify(tunnel)}`);
  return (
    `{"timestamp":"${timestamp}","event_type":"tls","flow_id":${flow_id}${input}` +
    `,"src_ip":"${src_ip}","src_port":${src_port},"dest_ip":"${dest_ip}","dest_port":${dest_port},"proto":"${proto}"${path}` +
    `,"community_id":"${community_id}","tls":{${tlsFieldsJson(event.tls)}},"hellotap":{` +
    (hellotap.cipher === undefined ? '' : `"cipher":"${hellotap.cipher}",`) +
    (hellotap.group === undefined ? '' : `"group":${quoted(hellotap.group)},`) +
    `"ech":${hellotap.ech},${hellotap.handshake === undefined ? '' : `"handshake":${quoted(hellotap.handshake)},`}` +
    (hellotap.tunnels === undefined ? '' : `"tunnels":${JSON.stringify(hellotap.tunnels)},`) +
    `"client_hello":${hellotap.client_hello},"server_hello":${hellotap.server_hello}` +
    `,"verdict":${shared(hellotap.verdict)}}}`
  );
}

function tlsFieldsJson(fields: TlsFields): string {
  let text = '';
  let key: keyof TlsFields;
  for (key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    const json = typeof value === 'string' ? quoted(value) : typeof value === 'object' ? shared(value) : String(value);
    text += text === '' ? `"${key}":${json}` : `,"${key}":${json}`;
  }
  return text;
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Text of an object that is never changed once it is in an event. */
function shared(value: object): string {
  let text = fragments.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    fragments.set(value, text);
  }
  return text;
}
