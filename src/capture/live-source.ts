// Live traffic: chooses how an interface is captured.
import { HellotapError } from '../errors.js';
import { DEFAULT_CAPTURE_WAY, type LiveOptions } from './live-options.js';
import type { CaptureSource } from './source.js';

const DEFAULT_BUFFER_BYTES = 64 * 1024 * 1024;

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
