/**
 * The measured part of work that several processes share: from the first `begin` that any of them says to the last `end`.
 *
 * SM1  Processor time is counted for every process that is named, whether it says anything or not, so that work moved to
 *      another process is still counted.
 */
import type { Mark } from './forms.js';
import { LatencyHistogram } from './latency-histogram.js';
import { cpuMsOf, residentMiB } from './process-usage.js';

export interface SharedPart {
  readonly ms: number;
  /** Sum of what the ends came with. */
  readonly value: number;
  /** Of all ends together; empty where nobody measured any. */
  readonly latencies: LatencyHistogram;
  /** Processor time of the measured part, by process. */
  readonly cpuMs: ReadonlyMap<string, number>;
  /** The most memory each process ever had, in MiB. */
  readonly peakMiB: ReadonlyMap<string, number>;
}

export class SharedMeasurement {
  /** Resolves with the last end. */
  readonly part: Promise<SharedPart>;
  readonly #pids: () => ReadonlyMap<string, number>;
  #endsLeft: number;
  #resolve: (part: SharedPart) => void = () => undefined;
  #beganAt: number | undefined;
  #cpuBefore: ReadonlyMap<string, number> = new Map();
  #value = 0;
  readonly #latencies = new LatencyHistogram();

  /** `ends`: how many `end` marks there will be. */
  constructor({ pids, ends }: { readonly pids: () => ReadonlyMap<string, number>; readonly ends: number }) {
    this.#pids = pids;
    this.#endsLeft = ends;
    this.part = new Promise((resolve) => (this.#resolve = resolve));
  }

  hear({ mark, at, value = 0, latencies = [] }: Mark): void {
    if (mark === 'begin' && this.#beganAt === undefined) {
      this.#beganAt = at;
      this.#cpuBefore = this.#each(cpuMsOf);
    }
    if (mark !== 'end') return;
    this.#value += value;
    this.#latencies.merge(latencies);
    this.#endsLeft -= 1;
    if (this.#endsLeft === 0) this.#end(at);
  }

  #end(at: number): void {
    if (this.#beganAt === undefined) throw new Error('the work ended before its measured part began: its warm-up is too long');
    const cpuAfter = this.#each(cpuMsOf);
    this.#resolve({
      ms: at - this.#beganAt,
      value: this.#value,
      latencies: this.#latencies,
      cpuMs: new Map([...cpuAfter].map(([name, ms]) => [name, ms - (this.#cpuBefore.get(name) ?? 0)])),
      peakMiB: this.#each((pid) => residentMiB(pid).peak),
    });
  }

  #each(look: (pid: number) => number): ReadonlyMap<string, number> {
    return new Map([...this.#pids()].map(([name, pid]) => [name, look(pid)]));
  }
}
