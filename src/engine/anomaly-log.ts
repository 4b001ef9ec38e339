// Survived damage becomes events, but a hostile capture must not be able to flood the log: per kind, the first few at
// once, later ones only each time their number has doubled.
import type { CaptureAnomaly } from '../capture/flow-record.js';
import type { AnomalyEvent, EventInput } from '../output/event.js';
import { formatTimestamp } from '../output/timestamp.js';

const ALWAYS_SHOWN = 10;
const MAX_DAMAGED = 1_000;
const TYPES = { capture: 'capture', link: 'decode', network: 'decode', transport: 'stream', tls: 'stream' } as const;

/** Counts anomalies by code; there are as many codes as the decoders have, so this is bounded. */
export class AnomalyLog {
  readonly #counts = new Map<string, number>();
  readonly #damaged = new Map<string, Map<string, number | null>>();

  /** The inputs of which part could not be read (the first ones), each with the codes that say why and the first offset of each. */
  get damaged(): ReadonlyMap<string, ReadonlyMap<string, number | null>> {
    return this.#damaged;
  }

  /** The number of anomalies by code. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts an anomaly; gives its event, or null where enough of its kind have been shown. */
  note(anomaly: CaptureAnomaly, input: EventInput, now: number): AnomalyEvent | null {
    const count = (this.#counts.get(anomaly.code) ?? 0) + 1;
    this.#counts.set(anomaly.code, count);
    if (anomaly.damage) this.#noteDamage(input.pcap_filename ?? input.in_iface ?? '', anomaly);
    if (count > ALWAYS_SHOWN && (count & (count - 1)) !== 0) return null;
    return {
      timestamp: formatTimestamp(anomaly.timestamp ?? now),
      event_type: 'anomaly',
      ...input,
      anomaly: {
        type: TYPES[anomaly.layer],
        code: anomaly.code,
        layer: anomaly.layer,
        ...(anomaly.offset === null ? {} : { offset: anomaly.offset }),
        detail: anomaly.detail,
        count,
      },
    };
  }

  #noteDamage(name: string, { code, offset }: CaptureAnomaly): void {
    const codes = this.#damaged.get(name);
    if (codes === undefined) {
      if (this.#damaged.size < MAX_DAMAGED) this.#damaged.set(name, new Map([[code, offset]]));
    } else if (!codes.has(code)) {
      codes.set(code, offset);
    }
  }
}
