/**
 * What the latency markers that came to a task say: a window of latencies for each source and operator.
 *
 * LS1  A task keeps at most `limits.latencyPairsPerTask` windows; markers of further pairs are not counted.
 * LS2  Markers of sources that the job does not have are not counted.
 */
import type { TaskLatency } from '../../bus/protocol/messages/tasks.js';
import type { OperatorId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { JobGraph, LatencyGranularity, OperatorDescriptor } from '../../graph/types.js';
import type { LatencyMarker } from '../channels/elements.js';
import { LatencyWindow } from './latency-window.js';

export interface LatencyStatisticsOptions {
  readonly jobGraph: Pick<JobGraph, 'vertices'>;
  readonly granularity: LatencyGranularity;
  /** Of the task; sources among them count nothing. */
  readonly operators: readonly OperatorDescriptor[];
  readonly clock: Clock;
}

interface Pair extends Pick<TaskLatency, 'source' | 'sourceSubtask' | 'operator'> {
  readonly window: LatencyWindow;
}

/** See the head of this file. */
export class LatencyStatistics {
  readonly #options: LatencyStatisticsOptions;
  readonly #operators: readonly OperatorId[];
  readonly #parallelismOf = new Map<string, number>();
  readonly #pairs = new Map<string, Pair>();

  constructor(options: LatencyStatisticsOptions) {
    this.#options = options;
    this.#operators = options.operators.filter(({ kind }) => kind !== 'source').map(({ id }) => id);
    for (const { operators, parallelism } of options.jobGraph.vertices) {
      for (const { kind, id } of operators) if (kind === 'source') this.#parallelismOf.set(id, parallelism);
    }
  }

  /** The operators of a chain take a marker together: nothing lies between them. */
  record({ operatorId, subtask, markedAt }: LatencyMarker): void {
    const { clock, granularity } = this.#options;
    if (subtask >= (this.#parallelismOf.get(operatorId) ?? 0)) return;
    const source = granularity === 'single' ? null : operatorId;
    const sourceSubtask = granularity === 'subtask' ? subtask : null;
    const latencyMs = clock.now() - markedAt;
    for (const operator of this.#operators) this.#windowOf({ source, sourceSubtask, operator })?.record(latencyMs, clock.monotonic());
  }

  /** Pairs without a marker in their window are left out. */
  report(): TaskLatency[] {
    const now = this.#options.clock.monotonic();
    return [...this.#pairs.values()].flatMap(({ window, ...pair }) => {
      const content = window.content(now);
      return content === undefined ? [] : [{ ...pair, max: content.max, buckets: [...content.buckets] }];
    });
  }

  #windowOf(pair: Omit<Pair, 'window'>): LatencyWindow | undefined {
    const key = `${pair.source ?? ''}/${pair.sourceSubtask ?? ''}/${pair.operator}`;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known.window;
    if (this.#pairs.size >= limits.latencyPairsPerTask) return undefined;
    const window = new LatencyWindow(this.#options.clock.monotonic());
    this.#pairs.set(key, { ...pair, window });
    return window;
  }
}
