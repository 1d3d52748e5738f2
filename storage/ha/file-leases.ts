/**
 * The leases of leaders in files, beside their logs; how they end is FH4 of the store. A lease is synced as the log is: after a
 * loss of power the process that comes in the place of its holder knows whom it supersedes, and need not wait for the lease to end.
 */
import type { Clock } from '../../core/ports.js';
import type { LeaderToken } from '../contracts.js';
import type { DurableFiles } from '../files/durable-files.js';
import type { HaLease, HaLogDirectory } from './ha-log-directory.js';

export interface FileLeasesOptions {
  readonly directory: HaLogDirectory;
  readonly durable: DurableFiles;
  readonly clock: Clock;
}

/** Who was granted the highest epoch, and what its lease says; epoch 0 before the first grant. */
export interface LatestGrant {
  readonly epoch: number;
  /** Undefined while its leader has not written one. */
  readonly lease: HaLease | undefined;
}

/** See the head of this file. */
export class FileLeases {
  readonly #options: FileLeasesOptions;
  /** What we saw of somebody's lease, and when first. */
  #observed: { readonly lease: string; readonly since: number } | undefined;
  #renewals = 0;

  constructor(options: FileLeasesOptions) {
    this.#options = options;
  }

  async latest(): Promise<LatestGrant> {
    const { directory } = this.#options;
    const epoch = await directory.latestEpoch();
    return { epoch, lease: epoch === 0 ? undefined : await directory.lease(epoch) };
  }

  /** How long the lease still runs; 0 when it is free to take. `leaseMs`: its length where nothing says so (FH4). */
  remainingMs({ epoch, lease }: LatestGrant, leaseMs: number): number {
    if (lease?.isReleased === true) return 0;
    const { clock } = this.#options;
    const now = clock.monotonic();
    const seen = `${epoch}/${lease?.renewal ?? 'none'}`;
    if (this.#observed?.lease !== seen) this.#observed = { lease: seen, since: now };
    const length = lease?.leaseMs ?? leaseMs;
    const byObservation = this.#observed.since + length - now;
    const byWallClock = lease === undefined ? byObservation : lease.renewedAt + length - clock.now();
    return Math.max(0, Math.min(byObservation, byWallClock));
  }

  /** Whether the lease runs by the wall clock: for those who only look. */
  isRunning({ lease }: LatestGrant): boolean {
    return lease !== undefined && !lease.isReleased && this.#options.clock.now() < lease.renewedAt + lease.leaseMs;
  }

  /** Says that a leader leads for so long from now, or no more. */
  async write({ epoch, holder }: LeaderToken, leaseMs: number, isReleased = false): Promise<void> {
    const { directory, durable, clock } = this.#options;
    this.#renewals += 1;
    const lease: HaLease = { holder, leaseMs, renewal: this.#renewals, renewedAt: clock.now(), isReleased };
    try {
      await durable.write(directory.path, directory.leaseName(epoch), new TextEncoder().encode(JSON.stringify(lease)));
    } catch (error) {
      throw directory.failed('write the lease', error);
    }
  }
}
