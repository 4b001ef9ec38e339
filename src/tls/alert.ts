// Alerts in clear text (RFC 8446 section 6).
import { AlertLevel } from './constants.js';
import type { AlertDescription } from './constants.js';

export interface Alert {
  readonly level: AlertLevel;
  readonly description: AlertDescription;
}

/**
 * Decodes the fragment of an alert record. One record carries one alert; several in one are accepted where they cannot
 * be anything else. Null: these are not alerts in clear text.
 */
export function decodeAlerts(fragment: Uint8Array): Alert[] | null {
  if (fragment.length === 2) return [{ level: fragment[0] ?? 0, description: fragment[1] ?? 0 }];
  if (fragment.length === 0 || fragment.length % 2 !== 0) return null;
  const alerts: Alert[] = [];
  for (let at = 0; at < fragment.length; at += 2) {
    const level: AlertLevel = fragment[at] ?? 0;
    if (level !== AlertLevel.Warning && level !== AlertLevel.Fatal) return null;
    alerts.push({ level, description: fragment[at + 1] ?? 0 });
  }
  return alerts;
}
