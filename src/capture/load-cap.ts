// Loads the optional package `cap`, the binding to libpcap, and says what to install where it is missing.
import { createRequire } from 'node:module';
import type { Cap } from 'cap';
import { HellotapError } from '../errors.js';

export type CapClass = typeof Cap;

/** Names of libpcap's devices that carry no network traffic that could be decoded. */
const NOT_NETWORK = /^(bluetooth|dbus|nflog|nfqueue|usbmon)/;

/** A network interface as libpcap names it. */
export interface CaptureDevice {
  readonly name: string;
  readonly description: string | null;
  readonly addresses: readonly string[];
}

/** The class Cap. Throws ERR_CAPTURE_UNAVAILABLE with what to do about it. */
export function loadCap(): CapClass {
  try {
    return (createRequire(import.meta.url)('cap') as { Cap: CapClass }).Cap;
  } catch (cause) {
    throw new HellotapError(
      'ERR_CAPTURE_UNAVAILABLE',
      'live capture needs libpcap and the optional package `cap`; install libpcap (on Debian: apt-get install libpcap-dev g++ make) ' +
        'and run `npm install` again',
      { cause },
    );
  }
}

/** The interfaces that libpcap can capture on. */
export function captureDevices(cap: CapClass): CaptureDevice[] {
  return cap
    .deviceList()
    .filter(({ name }) => !NOT_NETWORK.test(name))
    .map(({ name, description, addresses }) => ({
      name,
      description: description ?? null,
      addresses: addresses.flatMap(({ addr }) => (addr === undefined ? [] : [addr])),
    }));
}
