// What was seen in each week, counted by what it was: what the experiments ask of the database.

import type { SourceClass } from './source.js';

/** Servers that were seen alike in a week. Empty texts: not known. */
export interface WeeklySightings {
  readonly week: number;
  readonly servers: number;
  readonly fingerprint: string;
  readonly httpServer: string;
  /** 62 hexadecimal digits. */
  readonly jarm: string;
  readonly source: SourceClass;
  readonly label: string;
}

/** Rows of `WeeklySightings`; its parameter is the name of the hello set. Answers of other hello sets count as not known. */
export const SIGHTINGS_BY_WEEK = `
  SELECT t.week, t.servers, CASE WHEN k.name = ? THEN coalesce(f.text, lower(hex(f.digest)), '') ELSE '' END AS fingerprint,
    coalesce(h.text, '') AS httpServer, coalesce(lower(hex(j.digest)), '') AS jarm, s.class AS source,
    coalesce(l.name, '') AS label
  FROM tally t JOIN profile p ON p.id = t.profile_id JOIN source s ON s.id = p.source_id
  LEFT JOIN answers a ON a.id = p.answers_id
  LEFT JOIN fingerprint f ON f.id = a.fingerprint_id LEFT JOIN fingerprint_kind k ON k.id = f.kind_id
  LEFT JOIN fingerprint j ON j.id = p.jarm_id LEFT JOIN http_server h ON h.id = p.http_server_id
  LEFT JOIN label l ON l.id = p.label_id`;
