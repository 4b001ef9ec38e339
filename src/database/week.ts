// Weeks as the database counts them: whole weeks since Monday, 29 December 1969 (UTC), so that each begins on a Monday
// as ISO 8601 has it. Times are whole seconds since 1970.

const SECONDS_PER_WEEK = 604_800;
/** 1 January 1970 was a Thursday. */
const THURSDAY = 259_200;

/** SQL for the week of a column of seconds; the same arithmetic as `weekOf`. */
export function weekSql(seconds: string): string {
  return `((${seconds} + ${THURSDAY}) / ${SECONDS_PER_WEEK})`;
}

/** The week of a time in seconds since 1970 (not before 1970, where SQL's division and ours would part). */
export function weekOf(seconds: number): number {
  return Math.floor((seconds + THURSDAY) / SECONDS_PER_WEEK);
}

/** The first second of a week's Monday. */
export function mondayOf(week: number): number {
  return week * SECONDS_PER_WEEK - THURSDAY;
}
