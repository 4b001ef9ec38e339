// Weeks as tables write them: whole numbers, or dates of which each stands for its week.

import { parseTime } from './time-text.js';
import { mondayOf, weekOf } from './week.js';

/** How weeks are written; of one input always the same. */
export type WeekForm = 'number' | 'date';

const LAST_WEEK = 1_000_000;

/** Reads weeks as whole numbers or as dates, as the first one was written. */
export class WeekReader {
  /** Null: nothing was read so far. */
  constructor(public form: WeekForm | null = null) {}

  /** The number as it stands there, or the date's week (week.ts); or why it is neither. */
  read(text: string): number | string {
    const isNumber = /^\d{1,7}$/.test(text) && Number(text) <= LAST_WEEK;
    const time = isNumber ? null : parseTime(text);
    if (!isNumber && time === null) {
      return `"${text.slice(0, 60)}" is no week: a whole number, or the date of its Monday`;
    }
    const form = isNumber ? 'number' : 'date';
    this.form ??= form;
    if (form !== this.form) return `the week "${text}" is a ${form} where those before were each a ${this.form}`;
    return time === null ? Number(text) : weekOf(time);
  }
}

/** A week as its input wrote it. */
export function weekText(week: number, form: WeekForm | null): number | string {
  return form === 'number' ? week : new Date(mondayOf(week) * 1000).toISOString().slice(0, 10);
}
