// One coarse timer for thousands of deadlines: all deadlines of a queue have the same length, so they run out in the order
// in which they began, and looking at the oldest is enough.

/** Milliseconds on a clock that only goes forward. */
export type Clock = () => number;

export const monotonicClock: Clock = () => performance.now();

/** Deadlines are looked at this often; they run out up to this much late. */
const TICK_MS = 50;

/** Something that is told when its time is up. */
export interface Expirable {
  onDeadline(): void;
}

/** Deadlines of one length. */
export class DeadlineQueue {
  /** Insertion order is order of expiry. */
  private readonly expiries = new Map<Expirable, number>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly lengthMs: number,
    private readonly clock: Clock = monotonicClock,
  ) {}

  /** Starts (or starts anew) the deadline of `item`. */
  start(item: Expirable): void {
    this.expiries.delete(item);
    this.expiries.set(item, this.clock() + this.lengthMs);
    this.timer ??= setInterval(() => {
      this.expire();
    }, TICK_MS);
  }

  cancel(item: Expirable): void {
    this.expiries.delete(item);
  }

  /** Tells everyone whose time is up; the timer does this by itself. */
  expire(): void {
    const now = this.clock();
    for (const [item, expiry] of this.expiries) {
      if (expiry > now) break;
      this.expiries.delete(item);
      item.onDeadline();
    }
    if (this.expiries.size === 0 && this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }
}
