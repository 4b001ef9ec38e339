// What every source of packets looks like from outside, be it a file, a stream or an interface.
import type { CaptureRecord } from './flow-record.js';

/** Counters since the source was opened; each grows only. Kernel drops are the kernel's own count (live sources). */
export interface CaptureCounters {
  readonly packets: number;
  readonly bytes: number;
  readonly [counter: string]: number;
}

/** A source of TLS flows. Records of a batch are valid until the next batch is asked for. */
export interface CaptureSource {
  /** `-` for standard input, the interface, the path of a capture, or of the first of several. */
  readonly name: string;
  /** How many inputs have been begun: captures, one after the other, or the one stream or interface. */
  readonly inputs: number;
  /** How events name an input that records are from: the file's path as given, `-` for standard input, or the interface. */
  inputName(input: number): string;
  readonly kind: 'file' | 'stream' | 'live';
  /** Yields batches until the input ends or `close` is called; then what is still open is flushed as last batches. */
  batches(): AsyncIterable<Iterable<CaptureRecord>>;
  counters(): CaptureCounters;
  /** Ends the iteration after what has been read so far. */
  close(): void;
}
