// How far a scan is: what is done, how fast it goes, how long it will take.

/** Counts the servers that are done. */
export class ProbeProgress {
  /** Servers there are in all; null until that is known. */
  total: number | null = null;
  done = 0;
  /** Targets that were read, with those that an earlier run had done. */
  found = 0;
  readonly #clock: () => number;
  readonly #startedAt: number;

  /** @param clock milliseconds on a clock that only goes forward */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#startedAt = clock();
  }

  /** `1200 of 20000 servers, 24000 connections, 1998 per second, 12 open, 1 min 34 s left`. */
  text({ connections, open }: { readonly connections: number; readonly open: number }): string {
    const seconds = (this.#clock() - this.#startedAt) / 1000;
    const of = this.total === null ? '' : ` of ${this.total}`;
    const speed = seconds > 0 ? `, ${Math.round(connections / seconds)} per second` : '';
    const left = this.total === null || this.done === 0 ? null : ((this.total - this.done) * seconds) / this.done;
    const time = left === null || left < 0 ? '' : `, ${duration(left)} left`;
    return `${this.done}${of} servers, ${connections} connections${speed}, ${open} open${time}`;
  }
}

/** `2 h 5 min`, `3 min 20 s`, `7 s`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole} s`;
}
