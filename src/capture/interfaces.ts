// What can be watched: libpcap's list where the package `cap` is there, else what Node knows of the system's interfaces.
import { networkInterfaces } from 'node:os';
import { HellotapError } from '../errors.js';
import { captureDevices, loadCap, type CaptureDevice } from './load-cap.js';

/** The interfaces, in the system's order; addresses as text. */
export function listInterfaces(): Promise<CaptureDevice[]> {
  try {
    return Promise.resolve(captureDevices(loadCap()));
  } catch (error) {
    if (!(error instanceof HellotapError)) throw error;
    return Promise.resolve(systemInterfaces());
  }
}

function systemInterfaces(): CaptureDevice[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    description: null,
    addresses: addresses.map(({ address }) => address),
  }));
}
