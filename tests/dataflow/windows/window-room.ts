/** A window operator with keyed state, a watermark and a clock to move, and a restart from a snapshot wherever a test likes. */
import { MemoryFileSystem } from '../../../testing/memory-file-system.js';
import { ManualClock } from '../../../testing/manual-clock.js';
import { OperatorBench } from '../../../testing/operator-bench.js';
import { minWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../../../dataflow/contracts.js';
import type { MetricCounter } from '../../../dataflow/metrics.js';
import { GeneralWindowOperator } from '../../../dataflow/windows/general-window-operator.js';
import type { FixedWindows, SessionWindows, SoleWindow } from '../../../dataflow/windows/window-assigner.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { WindowPlan } from '../../../dataflow/windows/window-plan.js';
import { HeapKeyedStateBackend } from '../../../storage/state/heap/heap-keyed-state-backend.js';
import { all, complete, maxParallelism, Shelf } from '../../../testing/contracts/keyed-state-fixture.js';

export interface Item {
  readonly key: string;
  readonly n: number;
}

export type ItemPlan = WindowPlan<Item, never, never, never>;

/** The operator that a job gets, and the one that the others are measured by. */
export const forms: Readonly<Record<string, (plan: ItemPlan) => Operator<Item>>> = {
  'the operator of the plan': (plan) => windowOperator(plan),
  'the general operator': (plan) => new GeneralWindowOperator(plan),
};

export const tumbling = (sizeMs: number, offsetMs = 0): FixedWindows => ({
  kind: 'fixed',
  time: 'event',
  sizeMs,
  slideMs: sizeMs,
  offsetMs,
});
export const sliding = (sizeMs: number, slideMs: number, offsetMs = 0): FixedWindows => ({
  kind: 'fixed',
  time: 'event',
  sizeMs,
  slideMs,
  offsetMs,
});
export const sessions = (gap: SessionWindows<Item>['gap']): SessionWindows<Item> => ({ kind: 'session', time: 'event', gap });
export const everything: SoleWindow = { kind: 'global', firesAtEnd: false };
export const byClock = <A extends FixedWindows | SessionWindows<Item>>(assigner: A): A => ({ ...assigner, time: 'processing' });

/** The numbers of a window in the order they came, as text with its span: `a 0-10: 1 2`. */
export function listPlan(overrides: Partial<WindowPlan<Item>>): ItemPlan {
  return {
    keyOf: ({ key }: Item) => key,
    assigner: everything,
    trigger: undefined,
    evictor: undefined,
    allowedLatenessMs: 0,
    lateTag: undefined,
    folding: { kind: 'list' },
    run: {
      process: (key: unknown, { window }: { window: { start?: number; end?: number } }, items: readonly Item[]) => [
        `${String(key)}${window.end === undefined ? '' : ` ${window.start}-${window.end}`}: ${items.map(({ n }) => n).join(' ')}`,
      ],
    },
    ...overrides,
  } as unknown as ItemPlan;
}

export class WindowRoom {
  readonly clock = new ManualClock(0);
  readonly bench = new OperatorBench({ files: new MemoryFileSystem(), clock: this.clock });
  watermark = minWatermark;
  isOutputAvailable = true;
  output: { readonly value: unknown; readonly timestamp: number }[] = [];
  readonly late: unknown[] = [];
  /** `numLateRecordsDropped`. */
  lateCount = 0;
  readonly #make: () => Operator<Item>;
  readonly #isObjectReuse: boolean;
  #operator!: Operator<Item>;
  #backend!: HeapKeyedStateBackend;
  #take!: Emit<Item>;
  #parked: (() => boolean)[] = [];

  constructor(make: () => Operator<Item>, { isObjectReuse = false } = {}) {
    this.#make = make;
    this.#isObjectReuse = isObjectReuse;
    this.#makeBackend();
    this.#start();
  }

  /** Numbers as `key n @ timestamp`. */
  add(key: string, n: number, timestamp = noTimestamp): this {
    return this.accept({ key, n }, timestamp);
  }

  /** What an operator before this one made of items. */
  accept(value: unknown, timestamp: number): this {
    this.#take(value as Item, timestamp);
    this.#resume();
    return this;
  }

  /** Moves event time, as a task does: timers first in order, then nothing. */
  advance(watermark: number): this {
    this.watermark = watermark;
    this.#fire('event', watermark);
    return this;
  }

  tick(now: number): this {
    this.clock.advance(now - this.clock.now());
    this.#fire('processing', now);
    return this;
  }

  /** The results since the last call: values of text as they are, with timestamps where asked for. */
  take(withTimestamps = false): unknown[] {
    const taken = this.output.map(({ value, timestamp }) => (withTimestamps ? `${String(value)} @ ${timestamp}` : value));
    this.output = [];
    return taken;
  }

  /** When the earliest timer in event time is due. */
  get nextTimer(): number | undefined {
    return this.#backend.nextTimer('event');
  }

  /** Entries and timers left. */
  get stateSize(): number {
    return (
      this.#backend.size() + ['event', 'processing'].filter((domain) => this.#backend.nextTimer(domain as 'event') !== undefined).length
    );
  }

  /** A new operator with what another program would have left: `write` puts it. */
  async restartFrom(write: (backend: HeapKeyedStateBackend) => void): Promise<void> {
    this.#backend.close();
    this.#makeBackend();
    write(this.#backend);
    await this.restart();
  }

  /** A new operator with the state of the old one; event time begins anew. */
  async restart(): Promise<void> {
    const shelf = new Shelf();
    const handles = await complete(this.#backend.snapshot(shelf.write));
    this.#backend.close();
    this.watermark = minWatermark;
    // As in a task: restored before it is bound.
    this.#makeBackend();
    await this.#backend.restore(handles, shelf.read);
    this.#start();
  }

  #makeBackend(): void {
    this.#backend = new HeapKeyedStateBackend({
      keyGroups: all,
      maxParallelism,
      operatorName: 'operator under test',
      isObjectReuse: this.#isObjectReuse,
      isStrict: true,
      clock: this.clock,
    });
  }

  #start(): void {
    const context: OperatorContext = {
      ...this.bench.context,
      isObjectReuse: this.#isObjectReuse,
      keyed: this.#backend,
      currentWatermark: () => this.watermark,
      isOutputAvailable: () => this.isOutputAvailable,
      park: (resume) => void this.#parked.push(resume),
      metrics: { ...this.bench.context.metrics, counter: (name) => this.#counter(name) },
      sideOutput: () => (value) => void this.late.push(value),
    };
    this.#operator = this.#make();
    this.#take = this.#operator.bind((value, timestamp) => void this.output.push({ value, timestamp }), context);
    void this.#operator.open?.(context);
  }

  #counter(name: string): MetricCounter {
    return {
      count: this.lateCount,
      increment: (by = 1) => {
        if (name === 'numLateRecordsDropped') this.lateCount += by;
      },
    };
  }

  #fire(domain: 'event' | 'processing', time: number): void {
    for (let timer = this.#backend.pollTimer(domain, time); timer !== undefined; timer = this.#backend.pollTimer(domain, time)) {
      this.#operator.onTimer?.(timer.time, domain, timer.namespace);
      this.#resume();
    }
  }

  #resume(): void {
    while (this.isOutputAvailable && this.#parked[0]?.() === true) this.#parked.shift();
  }
}
