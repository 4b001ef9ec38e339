// A flood of hostile packets changes memory by no more than the bounds, however long it lasts, and what had to go was counted.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { FloodKind, FloodReport } from './flood.js';

const MEBIBYTE = 2 ** 20;
/** Entries of flows with their index, what is followed and as much that waits to be handed over, and free buffers kept for reuse. */
const FLOWS = 4;
const REASSEMBLY = 8 + 8 + 4;
/** What Node.js 20 has by default. Newer ones let it grow to several times as much before V8 looks for garbage in it. */
const YOUNG_GENERATION = '--max-semi-space-size=16';
/** The heap's young generation, which grows with the load, and what the allocator keeps. */
const SLACK = 32;
/** Besides, buffers and objects of `node:crypto` that V8 lets lie until it looks. */
const GARBAGE = 48;
/** Once the bounds are met, nothing grows but by chance. */
const CHANCE = 16;

interface Expected {
  /** MiB. Kept as a whole, the floods would take 50 MiB (of SYNs) to 2.5 GiB (out of order). */
  readonly bounds: number;
  readonly garbage?: number;
  /** Says how much went. */
  readonly dropped: (report: FloodReport) => number | undefined;
}

const floods: Readonly<Record<FloodKind, Expected>> = {
  syns: { bounds: FLOWS, dropped: ({ counters }) => counters['pendingEvicted'] },
  'half-hellos': { bounds: FLOWS + REASSEMBLY, dropped: ({ counters }) => counters['flowsEvicted'] },
  fragments: { bounds: 4 + 4, dropped: ({ counters }) => counters['joiningEvicted'] },
  'out-of-order': { bounds: FLOWS + REASSEMBLY, dropped: ({ counters }) => counters['flowsEvicted'] },
  'half-initials': { bounds: 8 + 2, garbage: GARBAGE, dropped: ({ quic }) => quic['evicted'] },
  'locked-initials': { bounds: 8 + 2, garbage: GARBAGE, dropped: ({ quic }) => quic['evicted'] },
  // Each server is remembered, 65,536 of them. The heap takes several times as many until what is let go of leaves as much
  // room as what comes needs: 2,000,000 servers end where 1,000,000 do (docs/performance.md).
  servers: { bounds: FLOWS + REASSEMBLY + 64, garbage: 16, dropped: ({ counters }) => counters['flowsEvicted'] },
};

async function floodOf(kind: FloodKind): Promise<FloodReport> {
  const script = join(import.meta.dirname, 'flood.ts');
  const flags = [YOUNG_GENERATION, '--expose-gc', '--import', 'tsx'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, kind]);
  return JSON.parse(stdout) as FloodReport;
}

describe('memory stays within its bounds under a flood of', () => {
  for (const [kind, { bounds, garbage = 0, dropped }] of Object.entries(floods) as [FloodKind, Expected][]) {
    it(kind, async (context) => {
      const report = await floodOf(kind);
      const [before, half, end] = report.memory.map((bytes) => bytes / MEBIBYTE) as [number, number, number];
      context.diagnostic(`${before.toFixed(0)} MiB, then ${half.toFixed(0)} and ${end.toFixed(0)}`);
      assert.ok((dropped(report) ?? 0) > 1000, 'what goes is counted');
      const most = bounds + SLACK + garbage;
      assert.ok(Math.max(half, end) - before <= most, `${before} MiB before, then ${half} and ${end}`);
      assert.ok(end - half <= CHANCE + garbage, `from ${half} to ${end} MiB`);
    });
  }
});
