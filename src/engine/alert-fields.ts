// What all alerts of ours have in common, in the shape of Suricata's `alert` object.
import type { AlertFields } from '../output/event.js';

/** An alert is raised by no rule file, so generator and revision are always the first. */
export function alertFields({
  id,
  signature,
  category,
  severity,
}: {
  /** Unique among our alerts: SIEMs tell them apart by it. */
  readonly id: number;
  readonly signature: string;
  /** One of Suricata's classifications. */
  readonly category: string;
  readonly severity: AlertFields['severity'];
}): AlertFields {
  return { action: 'allowed', gid: 1, signature_id: id, rev: 1, signature, category, severity };
}
