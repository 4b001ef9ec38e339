// How an interface may be captured.
import type { PacketCoreOptions } from './packet-addon.js';

/** `ring`: our own AF_PACKET ring (Linux); `cap`: libpcap through the package of that name. */
export const CAPTURE_WAYS = ['ring', 'cap'] as const;
export type CaptureWay = (typeof CAPTURE_WAYS)[number];
export const DEFAULT_CAPTURE_WAY: CaptureWay = process.platform === 'linux' ? 'ring' : 'cap';

/** Bounds of the flow table are for all threads together. */
export interface LiveOptions extends PacketCoreOptions {
  /** Default: `ring` on Linux, `cap` elsewhere. */
  readonly capture?: CaptureWay | undefined;
  /** In tcpdump's language; run by the kernel. */
  readonly filter?: string | undefined;
  /** Of the kernel's buffer, in bytes; of all threads together. */
  readonly bufferBytes?: number | undefined;
  /** Default true; `cap` knows no other way. */
  readonly promiscuous?: boolean | undefined;
  /** Over which the flows are spread; `cap` has one. */
  readonly threads?: number | undefined;
  /** Is told when the interface goes down and comes back (`ring`). */
  readonly notify?: ((text: string) => void) | undefined;
}

/** With what is needed filled in. */
export type OpenLiveOptions = LiveOptions & { readonly bufferBytes: number };
