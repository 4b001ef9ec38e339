// Live traffic: chooses how an interface is captured.
import { HellotapError } from '../errors.js';
import type { PacketCoreOptions } from './packet-core.js';
import type { CaptureSource } from './source.js';

/** `ring`: our own AF_PACKET ring (Linux); `cap`: libpcap through the package of that name. */
export const CAPTURE_WAYS = ['ring', 'cap'] as const;
export type CaptureWay = (typeof CAPTURE_WAYS)[number];
export const DEFAULT_CAPTURE_WAY: CaptureWay = process.platform === 'linux' ? 'ring' : 'cap';

const DEFAULT_BUFFER_BYTES = 64 * 1024 * 1024;

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

/**
 * Starts to capture on an interface. Rejects with ERR_CAPTURE_UNAVAILABLE (what it needs is missing), ERR_CAPTURE_PERMISSION,
 * ERR_CAPTURE_OPEN (no such interface, or it is down) or ERR_USAGE (the filter is wrong, or `cap` cannot do what is asked for).
 */
export async function openLiveSource(name: string, given: LiveOptions = {}): Promise<CaptureSource> {
  const options = { ...given, bufferBytes: given.bufferBytes ?? DEFAULT_BUFFER_BYTES };
  const way = options.capture ?? DEFAULT_CAPTURE_WAY;
  if (way === 'ring') return (await import('./ring-source.js')).openRingSource(name, options);
  if ((options.threads ?? 1) > 1) {
    throw new HellotapError('ERR_USAGE', 'the package `cap` captures in one thread; several need the ring');
  }
  return (await import('./cap-source.js')).openCapSource(name, options);
}
