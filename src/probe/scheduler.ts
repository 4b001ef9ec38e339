// Decides which connection may be opened when: one rate for all, limits per address and per prefix, a cap on what is open
// at once, and otherwise a random choice among the servers that are ready, so that no server sees its probes in a row.
// Knows neither sockets nor TLS: a job is something that starts and says when it is done.
import { DelayQueue } from './delay-queue.js';
import type { Clock } from './deadlines.js';
import { TokenBucket } from './token-bucket.js';

/** One connection to be made. */
export interface Job {
  /** Asked before `run`. True: no connection is needed any more, and the job has ended; it has cost nothing. */
  settle(): boolean;
  /** Runs the job; `done` has to be called exactly once, not before `run` returns. */
  run(done: () => void): void;
}

/** Limits; 0 means none, except for the two numbers of connections. */
export interface SchedulerLimits {
  /** Connections per second in all. */
  readonly rate: number;
  /** Connections per second to one address. */
  readonly perServerRate: number;
  /** Connections per second to one prefix (/24 of IPv4, /48 of IPv6). */
  readonly perPrefixRate: number;
  /** Connections open at once in all, at least 1. */
  readonly concurrency: number;
  /** Connections open at once to one address, at least 1. */
  readonly perServerConcurrency: number;
}

/** One address. It is in `ready`, or in the delay queue, or it waits for one of its connections to end. */
interface Server {
  readonly address: string;
  readonly prefix: string;
  readonly jobs: Job[];
  active: number;
  /** When the next connection to it may be opened. */
  nextAt: number;
  queued: boolean;
}

/** What is in the delay queue: a server whose time has not come, or a job that is to be submitted later. */
type Delayed = { readonly server: Server } | { readonly address: string; readonly prefix: string; readonly job: Job };

/** Below this, sleeping is not worth a timer of its own. */
const SHORTEST_SLEEP_MS = 1;
const LONGEST_SLEEP_MS = 60_000;

export class Scheduler {
  /** Connections that are open. */
  open = 0;
  private readonly servers = new Map<string, Server>();
  /** Prefix to when its next connection may be opened; entries in the past are dropped by and by. */
  private readonly prefixes = new Map<string, number>();
  private readonly ready: Server[] = [];
  private readonly delayed = new DelayQueue<Delayed>();
  private readonly bucket: TokenBucket;
  private timer: NodeJS.Timeout | null = null;
  private timerDue = Infinity;
  private pumping = false;

  /**
   * @param random in [0, 1), for the choice among servers
   * @param onHungry called when a connection could be opened and nothing is ready; submits more, if there is more
   */
  constructor(
    private readonly limits: SchedulerLimits,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly onHungry: () => boolean,
  ) {
    this.bucket = new TokenBucket(limits.rate, clock());
  }

  /** Queues a connection to an address. Call `pump` afterwards. */
  submit(address: string, prefix: string, job: Job): void {
    let server = this.servers.get(address);
    if (server === undefined) {
      server = { address, prefix, jobs: [], active: 0, nextAt: 0, queued: false };
      this.servers.set(address, server);
    }
    server.jobs.push(job);
    this.place(server, this.clock());
  }

  /** Queues a connection that must not be opened for a while. */
  submitLater(address: string, prefix: string, job: Job, delayMs: number): void {
    this.delayed.push({ address, prefix, job }, this.clock() + delayMs);
    this.pump();
  }

  /** Forgets the jobs that have not started and that `isUnwanted`. */
  remove(isUnwanted: (job: Job) => boolean): void {
    for (const { jobs } of this.servers.values()) {
      jobs.splice(0, jobs.length, ...jobs.filter((job) => !isUnwanted(job)));
    }
    // A server left without jobs goes by itself when its turn comes; jobs in the delay queue have started once before.
    this.pump();
  }

  /** Opens what may be opened now, and sees to it that the rest follows. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    const now = this.clock();
    this.releaseDue(now);
    let next = Infinity;
    while (this.open < this.limits.concurrency) {
      if (this.ready.length === 0 && !this.onHungry()) break;
      const at = Math.floor(this.random() * this.ready.length);
      const server = this.ready[at];
      if (server === undefined) continue;
      const jobAt = Math.floor(this.random() * server.jobs.length);
      const isSettled = server.jobs[jobAt]?.settle() ?? true;
      if (isSettled) removeAt(server.jobs, jobAt);
      const blocked = this.prefixes.get(server.prefix) ?? 0;
      if (!isSettled && blocked <= now && !this.bucket.take(now)) {
        next = this.bucket.nextAt(now);
        break;
      }
      removeAt(this.ready, at);
      server.queued = false;
      if (isSettled) this.place(server, now);
      else if (blocked > now) this.delay(server, blocked);
      else this.start(server, jobAt, now);
    }
    this.pumping = false;
    this.wakeAt(Math.min(next, this.delayed.nextDue), now);
  }

  private start(server: Server, jobAt: number, now: number): void {
    const job = removeAt(server.jobs, jobAt);
    if (job === undefined) return;
    const { perServerRate, perPrefixRate } = this.limits;
    if (perServerRate > 0) server.nextAt = now + 1000 / perServerRate;
    if (perPrefixRate > 0) this.prefixes.set(server.prefix, now + 1000 / perPrefixRate);
    server.active += 1;
    this.open += 1;
    this.place(server, now);
    job.run(() => {
      server.active -= 1;
      this.open -= 1;
      this.place(server, this.clock());
      this.pump();
    });
  }

  /** Puts a server where it belongs: ready, delayed, forgotten, or nowhere until a connection of it ends. */
  private place(server: Server, now: number): void {
    if (server.queued) return;
    if (server.jobs.length === 0) {
      if (server.active > 0) return;
      if (server.nextAt <= now) this.servers.delete(server.address);
      else this.delay(server, server.nextAt);
      return;
    }
    if (server.active >= this.limits.perServerConcurrency) return;
    const due = Math.max(server.nextAt, this.prefixes.get(server.prefix) ?? 0);
    if (due > now) {
      this.delay(server, due);
    } else {
      server.queued = true;
      this.ready.push(server);
    }
  }

  private delay(server: Server, due: number): void {
    server.queued = true;
    this.delayed.push({ server }, due);
  }

  private releaseDue(now: number): void {
    for (let item = this.delayed.popDue(now); item !== undefined; item = this.delayed.popDue(now)) {
      if ('job' in item) {
        this.submit(item.address, item.prefix, item.job);
      } else {
        item.server.queued = false;
        this.place(item.server, now);
      }
    }
    if (this.prefixes.size > 2 * this.servers.size + 1024) {
      for (const [prefix, due] of this.prefixes) if (due <= now) this.prefixes.delete(prefix);
    }
  }

  private wakeAt(due: number, now: number): void {
    if (this.timer !== null && due >= this.timerDue) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (due === Infinity) return;
    this.timerDue = due;
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.pump();
      },
      Math.max(SHORTEST_SLEEP_MS, Math.min(due - now, LONGEST_SLEEP_MS)),
    );
  }
}

/** Takes an element out; the last one takes its place. */
function removeAt<T>(items: T[], at: number): T | undefined {
  const item = items[at];
  const last = items.pop();
  if (last !== undefined && at < items.length) items[at] = last;
  return item;
}
