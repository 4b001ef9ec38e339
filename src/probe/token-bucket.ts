// A token bucket: at most `rate` per second over time, with a small burst so that a coarse timer can still reach the rate.

/** How much of a second's tokens may be saved up: a busy machine lets a process wait for a tenth of a second now and then. */
const BURST_SECONDS = 0.2;

export class TokenBucket {
  private readonly perMs: number;
  private readonly burst: number;
  private tokens: number;
  private at: number;

  /**
   * @param rate tokens per second; 0: no limit
   * @param burst tokens that may be saved up, and are there at the start; undefined: a fifth of a second's
   */
  constructor(rate: number, now: number, burst?: number) {
    this.perMs = rate === 0 ? Infinity : rate / 1000;
    this.burst = burst ?? Math.max(1, rate * BURST_SECONDS);
    this.tokens = burst ?? 1;
    this.at = now;
  }

  /** Takes a token. False: there is none yet. `now`: milliseconds, never going back. */
  take(now: number): boolean {
    if (this.perMs === Infinity) return true;
    this.refill(now);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** When the next token will be there, in milliseconds on the same clock. */
  nextAt(now: number): number {
    if (this.perMs === Infinity) return now;
    this.refill(now);
    return this.tokens >= 1 ? now : now + (1 - this.tokens) / this.perMs;
  }

  private refill(now: number): void {
    this.tokens = Math.min(this.burst, this.tokens + (now - this.at) * this.perMs);
    this.at = now;
  }
}
