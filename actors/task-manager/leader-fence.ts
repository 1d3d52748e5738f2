/**
 * Remembers the highest leader epoch a TaskManager has seen and keeps messages of earlier leaders out.
 *
 * LF1  The epoch never goes down, and nothing from below it is let in.
 * LF2  `onChanged` is called for every leader but the first before any message of that leader is handled.
 */
import type { LeaderEpoch } from '../../core/ids.js';
import type { Envelope } from '../../bus/endpoint-contract.js';

export interface LeaderFenceOptions {
  /** A later leader than the one known was seen. */
  readonly onChanged: (epoch: LeaderEpoch, earlier: LeaderEpoch) => void;
  /** Tests only: lets earlier leaders in. */
  readonly isOff?: boolean;
}

export class LeaderFence {
  readonly #options: LeaderFenceOptions;
  #epoch = 0 as LeaderEpoch;

  constructor(options: LeaderFenceOptions) {
    this.#options = options;
  }

  /** Highest epoch seen; 0 before any. */
  get epoch(): LeaderEpoch {
    return this.#epoch;
  }

  /** For `ServeOptions.fence`. */
  readonly gate = ({ leaderEpoch }: Pick<Envelope, 'leaderEpoch'>): string | undefined => {
    if (leaderEpoch < this.#epoch) return this.#options.isOff === true ? undefined : `epoch ${leaderEpoch} is below ${this.#epoch}`;
    this.#observe(leaderEpoch);
    return undefined;
  };

  #observe(epoch: LeaderEpoch): void {
    if (epoch === this.#epoch) return;
    const earlier = this.#epoch;
    this.#epoch = epoch;
    if (earlier > 0) this.#options.onChanged(epoch, earlier);
  }
}
