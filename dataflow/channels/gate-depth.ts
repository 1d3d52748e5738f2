/**
 * How many floating buffers a gate has at a time: more where frames are read fast.
 *
 * A hot key moves all load to one slot for some thousand records, then to another. What waits for a slot meanwhile is work that
 * it has later, while its sender would stand still: buffers for it keep both at work. Where records are slow the same buffers
 * would only make checkpoints wait, so they are counted in time, not in bytes.
 *
 * GD1  A gate has floating buffers for as many frames as were read in `gateDepthMs` at the rate between the last two beats: at
 *      most `floatingMax`, at least those it was given first.
 * GD2  More than those come out of the half of the slot's budget that is not reserved: gates to come find the other half.
 * GD3  A gate that shrinks gives back what is free; what is borrowed goes back first (GC1 and GB2 hold all the time).
 */
import { limits } from '../../core/limits.js';
import type { GateCredit } from './gate-credit.js';
import type { GateShare, GrantBudget } from './grant-budget.js';

export interface GateDepthOptions {
  readonly credit: GateCredit;
  readonly share: GateShare;
  readonly budget: GrantBudget;
  readonly floatingMax: number;
  /** Between two beats. */
  readonly beatMs: number;
}

/** The floating buffers of one gate; see the head of this file. */
export class GateDepth {
  readonly #options: GateDepthOptions;
  #releasedAtLastBeat = 0;
  /** Beyond those of its share. */
  #more = 0;

  constructor(options: GateDepthOptions) {
    this.#options = options;
  }

  onBeat(): void {
    const { credit, share, budget, floatingMax, beatMs } = this.#options;
    const read = credit.released - this.#releasedAtLastBeat;
    this.#releasedAtLastBeat = credit.released;
    const wanted = Math.min(floatingMax, Math.ceil((read * limits.gateDepthMs) / beatMs));
    const more = Math.max(0, wanted - share.floating);
    const granted = more > this.#more ? this.#more + budget.extend(more - this.#more) : more;
    if (granted === this.#more) return;
    const reached = credit.resize(share.floating + granted) - share.floating;
    if (reached < this.#more) budget.giveBack(this.#more - reached);
    this.#more = reached;
  }

  /** All channels of the gate were closed. */
  close(): void {
    this.#options.budget.giveBack(this.#more);
    this.#options.budget.release(this.#options.share);
    this.#more = 0;
  }
}
