/**
 * An operator with two inputs on its own: records by hand, event time and timers as a task would move them, everything
 * it emits, and what it keeps across a restart.
 */
import { keyHashOf, type Key } from '../../core/keys.js';
import { maxWatermark, minWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../../dataflow/contracts.js';
import type { KeyedStateHandle, OperatorStateHandle } from '../../storage/contracts.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { ChunkShelf } from './chunk-shelf.js';
import { present } from './present.js';

export interface TwoInputBenchOptions {
  readonly create: () => Operator;
  /** Its records have keys. */
  readonly isKeyed?: boolean;
}

/** What an operator kept. */
export interface KeptState {
  readonly keyed: readonly KeyedStateHandle[];
  readonly states: readonly OperatorStateHandle[];
  readonly watermark: number;
}

/** Value and timestamp; undefined when it has none. */
export type Emitted = readonly [value: unknown, timestamp: number | undefined];

const everyGroup = { start: 0, end: 127 };
const shelf = new ChunkShelf();

export class TwoInputBench {
  readonly emitted: Emitted[] = [];
  readonly sideOutputs = new Map<string, Emitted[]>();
  /** What the operator counted, by name. */
  readonly counters = new Map<string, number>();
  readonly clock = new ManualClock();
  readonly keyed: HeapKeyedStateBackend | undefined;
  /** Results the output takes. */
  room = Infinity;
  readonly #options: TwoInputBenchOptions;
  readonly #operator: Operator;
  readonly #context: OperatorContext;
  readonly #first: Emit<unknown>;
  readonly #second: Emit<unknown>;
  readonly #parked: (() => boolean)[] = [];
  #watermark = minWatermark;

  private constructor(options: TwoInputBenchOptions) {
    this.#options = options;
    this.#operator = options.create();
    if (options.isKeyed === true)
      this.keyed = new HeapKeyedStateBackend({ keyGroups: everyGroup, maxParallelism: 128, operatorName: 'under test', isStrict: true });
    this.#context = this.#makeContext();
    const out: Emit<unknown> = (value, timestamp) => {
      this.room -= 1;
      this.emitted.push([value, timestamp === noTimestamp ? undefined : timestamp]);
    };
    this.#first = this.#operator.bind(out, this.#context);
    this.#second = present(this.#operator.bindSecond).call(this.#operator, out, this.#context) as Emit<unknown>;
  }

  static async open(options: TwoInputBenchOptions, kept?: KeptState): Promise<TwoInputBench> {
    const bench = new TwoInputBench(options);
    if (kept !== undefined) {
      bench.#watermark = kept.watermark;
      await bench.keyed?.restore(kept.keyed, shelf.read);
      await bench.#context.operatorState.restore(kept.states, shelf.read);
    }
    await bench.#operator.open?.(bench.#context);
    return bench;
  }

  first(value: unknown, timestamp = noTimestamp): void {
    this.#first(value, timestamp);
  }

  second(value: unknown, timestamp = noTimestamp): void {
    this.#second(value, timestamp);
  }

  /** Fires the timers that are due, then tells the operator. */
  watermark(time: number): void {
    this.#watermark = time;
    this.#fire('event', time);
    this.#operator.onWatermark?.(time);
  }

  advanceClock(ms: number): void {
    this.clock.advance(ms);
    this.#fire('processing', this.clock.now());
  }

  /** Both inputs end. */
  finish(): void {
    this.watermark(maxWatermark);
    this.#operator.endInput?.();
    this.#operator.finish?.();
  }

  /** Resumes what waited for room. */
  giveRoom(count: number): void {
    this.room = count;
    while (this.#parked.length > 0 && this.room > 0) if (present(this.#parked[0])()) this.#parked.shift();
  }

  get isParked(): boolean {
    return this.#parked.length > 0;
  }

  /** Emitted values since the last call. */
  take(): readonly unknown[] {
    return this.emitted.splice(0).map(([value]) => value);
  }

  side(tag: string): readonly unknown[] {
    return (this.sideOutputs.get(tag) ?? []).map(([value]) => value);
  }

  /** What a checkpoint would keep now. */
  async kept(): Promise<KeptState> {
    const snapshot = this.keyed?.snapshot(shelf.write);
    const states = await this.#context.operatorState.snapshot(shelf.write);
    while (snapshot?.advance(100) === true);
    return { keyed: (await snapshot?.finish()) ?? [], states, watermark: this.#watermark };
  }

  /** The same operator as a failure and a restart would leave it; its watermark is part of the checkpoint. */
  async restarted(): Promise<TwoInputBench> {
    const kept = await this.kept();
    await this.close();
    return TwoInputBench.open(this.#options, kept);
  }

  async close(): Promise<void> {
    await this.#operator.close?.();
    this.keyed?.close();
  }

  /** Reads state as the operator would for this key. */
  at(key: Key): HeapKeyedStateBackend {
    const keyed = present(this.keyed);
    keyed.setCurrentKey(key, keyHashOf(key));
    return keyed;
  }

  #fire(domain: 'event' | 'processing', time: number): void {
    for (let timer = this.keyed?.pollTimer(domain, time); timer !== undefined; timer = this.keyed?.pollTimer(domain, time))
      this.#operator.onTimer?.(timer.time, domain, timer.namespace);
  }

  #makeContext(): OperatorContext {
    const { context } = new OperatorBench({ files: new MemoryFileSystem(), clock: this.clock });
    return {
      ...context,
      operatorName: 'under test',
      metrics: {
        ...context.metrics,
        counter: (name) => ({
          increment: (by = 1) => void this.counters.set(name, (this.counters.get(name) ?? 0) + by),
          count: 0,
        }),
      },
      keyed: this.keyed,
      isOutputAvailable: () => this.room > 0,
      park: (resume) => void this.#parked.push(resume),
      currentWatermark: () => this.#watermark,
      sideOutput: (tag) => (value, timestamp) => {
        const values = this.sideOutputs.get(tag) ?? [];
        this.sideOutputs.set(tag, values);
        values.push([value, timestamp === noTimestamp ? undefined : timestamp]);
      },
    };
  }
}
