// A thread that scans rows of servers (row-scanner.ts): batches of lines come in as messages and go back as records.

import { parentPort } from 'node:worker_threads';
import { RowScanner } from './row-scanner.js';
import type { Lines } from './table-lines.js';

const scanner = new RowScanner();

parentPort?.on('message', ({ bytes, first }: Lines) => {
  // What was a Buffer comes as its bytes alone.
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scanned = scanner.scan({ bytes: lines, first });
  parentPort?.postMessage({ ...scanned, bytes }, [bytes.buffer as ArrayBuffer, scanned.records.buffer]);
});
