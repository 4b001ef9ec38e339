// From what a check of a recorded server found to the events that go out. Pure; the shapes are declared in output/event.ts.
import { subjectsOf } from '../baseline/describe.js';
import type { BaselineReport } from '../baseline/server-state.js';
import { timeText } from '../database/time-text.js';
import type { BaselineAlertEvent, BaselineEvent, BaselineFindings } from '../output/event.js';
import { alertFields } from './alert-fields.js';

/** Next to those of c2-alerts.ts. */
const SIGNATURE_ID = 1_990_011;
/** Suricata's own words for its class bad-unknown, of priority 2. */
const CATEGORY = 'Potentially Bad Traffic';

/** One event for the server, and an alarm behind it where it has changed. */
export function baselineEvents(report: BaselineReport, timestamp: string): [BaselineEvent, ...BaselineAlertEvent[]] {
  const { address, port, serverName, startTls } = report.server;
  const findings = findingsOf(report);
  const event: BaselineEvent = {
    timestamp,
    event_type: 'baseline',
    hellotap: {
      ip: address,
      port,
      sni: serverName,
      ...(startTls === '' ? {} : { starttls: startTls }),
      ...findings,
    },
  };
  if (report.status !== 'changed') return [event];
  const alert: BaselineAlertEvent = {
    timestamp,
    event_type: 'alert',
    dest_ip: address,
    dest_port: port,
    proto: 'TCP',
    alert: alertFields({
      id: SIGNATURE_ID,
      signature: `hellotap baseline: server has changed (${findings.subjects.join(', ')})`,
      category: CATEGORY,
      severity: 2,
    }),
    hellotap: { sni: serverName, baseline: findings },
  };
  return [event, alert];
}

function findingsOf({
  status,
  recorded,
  probes,
  changes,
  unsteady,
  unanswered,
  reason,
}: BaselineReport): BaselineFindings {
  return {
    status,
    recorded: recorded === null ? null : timeText(recorded),
    probes,
    subjects: subjectsOf(changes),
    changes,
    unsteady,
    unanswered,
    ...(reason === null ? {} : { reason }),
  };
}
