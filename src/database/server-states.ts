// SQL for each state in which a server was seen, with what its profile names. SQLite leaves out of it what is not asked for.

/** `s` the state, `p` its profile, `o` source, `a` answers, `k` hello set, `f` stack fingerprint, `j` JARM, `h` header, `l` label. */
export const SERVER_STATES = `
  FROM server s
  JOIN profile p ON p.id = s.profile_id
  JOIN source o ON o.id = p.source_id
  LEFT JOIN answers a ON a.id = p.answers_id
  LEFT JOIN fingerprint_kind k ON k.id = a.kind_id
  LEFT JOIN fingerprint f ON f.id = a.fingerprint_id
  LEFT JOIN fingerprint j ON j.id = p.jarm_id
  LEFT JOIN http_server h ON h.id = p.http_server_id
  LEFT JOIN label l ON l.id = p.label_id`;
