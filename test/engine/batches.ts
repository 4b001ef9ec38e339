// Batches as the packet core packs them (native/core/batch.h).
import { FlowBatch } from '../../src/capture/flow-batch.js';

const FLOW_HEADER_BYTES = 96;

/** A batch with one flow, as native/core/batch.h lays it out. */
export function batchOf(client: Uint8Array, server: Uint8Array): FlowBatch {
  const memory = Buffer.alloc((FLOW_HEADER_BYTES + client.length + server.length + 7) & ~7);
  memory.writeUInt32LE(memory.length, 0);
  memory.set([1, 4], 4);
  memory.writeUInt16LE(FLOW_HEADER_BYTES, 62);
  memory.writeUInt32LE(client.length, 64);
  memory.writeUInt32LE(server.length, 68);
  memory.set(client, FLOW_HEADER_BYTES);
  memory.set(server, FLOW_HEADER_BYTES + client.length);
  return new FlowBatch(memory, memory.length, []);
}
