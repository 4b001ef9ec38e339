// EVE's `tunnel` object: the outermost packet of those that carry a flow. Pure.
import type { TunnelPath } from '../capture/flow-record.js';
import type { FlowIdentity } from '../output/event.js';

/** Suricata's names of the protocols that carry others. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  4: 'IP-in-IP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  137: 'MPLS-in-IP',
};

/** The part of a flow's identity that says what carried it; empty where nothing did. */
export function tunnelFields(path: TunnelPath | null): Pick<FlowIdentity, 'tunnel'> {
  const outer = path?.outer ?? null;
  if (outer === null) return {};
  const { sourceAddress, sourcePort, destinationAddress, destinationPort, protocol, depth } = outer;
  return {
    tunnel: {
      src_ip: sourceAddress,
      ...(sourcePort === null ? {} : { src_port: sourcePort }),
      dest_ip: destinationAddress,
      ...(destinationPort === null ? {} : { dest_port: destinationPort }),
      proto: PROTOCOL_NAMES[protocol] ?? String(protocol),
      depth,
    },
  };
}
