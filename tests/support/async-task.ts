/** An asynchronous operator under a virtual clock, and what it hands on. */
import * as assert from 'uvu/assert';
import type { AsyncFunction, AsyncRetrySettings, AsyncWaitSettings, RichAsyncFunction } from '../../dataflow/async-functions.js';
import type { Emit, Operator, OperatorContext } from '../../dataflow/contracts.js';
import { asyncWaitOperator } from '../../dataflow/operators/async/async-wait.js';
import { checkpointId } from '../../core/ids.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';

interface Parked {
  readonly resume: () => boolean;
  isReady: boolean;
}

export type Written = AsyncFunction<unknown, unknown> | RichAsyncFunction<unknown, unknown>;

/** One operator and the part of a task it needs. Records are taken only as a task would: not while something is parked. */
export class AsyncTask {
  readonly clock = new ManualClock();
  /** Results as they left, `@` their time; watermarks as `W5`. */
  readonly left: string[] = [];
  readonly bench = new OperatorBench({ files: new MemoryFileSystem(), clock: this.clock });
  /** How many results find room before more is given. */
  room = Number.POSITIVE_INFINITY;
  readonly #operator: Operator;
  readonly #posted: (() => void)[] = [];
  readonly #parked: Parked[] = [];
  readonly #input: Emit<unknown>;
  readonly #context: OperatorContext;

  constructor(written: Written, settings: Partial<AsyncWaitSettings>, restored?: readonly unknown[]) {
    this.#operator = asyncWaitOperator(written, { order: 'unordered', timeoutMs: 1_000, capacity: 100, retry: undefined, ...settings });
    this.#context = {
      ...this.bench.context,
      operatorName: 'lookup',
      restored,
      isOutputAvailable: () => this.room > 0,
      emitTime: ({ watermark, isIdle }) => {
        if (isIdle === false) this.left.push('active');
        if (watermark !== undefined) this.left.push(`W${watermark}`);
        if (isIdle === true) this.left.push('idle');
      },
      post: (work) => void this.#posted.push(work),
      park: (resume, until) => {
        const parked: Parked = { resume, isReady: until === undefined };
        this.#parked.push(parked);
        void until?.then(() => (parked.isReady = true));
      },
    };
    this.#input = this.#operator.bind((value) => {
      this.room -= 1;
      this.left.push(`${JSON.stringify(value)}@${this.clock.monotonic()}`);
    }, this.#context) as Emit<unknown>;
  }

  get isParked(): boolean {
    return this.#parked.length > 0;
  }

  get failure(): string | undefined {
    const [error] = this.bench.failures as { code: string; where: string; message: string }[];
    return error === undefined ? undefined : `${error.code} ${error.where}: ${error.message}`;
  }

  async open(): Promise<void> {
    await this.#operator.open?.(this.#context);
    await this.run();
  }

  async push(...values: readonly unknown[]): Promise<void> {
    for (const value of values) {
      await this.run();
      assert.not(this.isParked, `${JSON.stringify(value)} is not taken while something is parked`);
      this.#input(value, 0);
    }
    await this.run();
  }

  /** As an operator before it that collects several results for one record: nothing is looked at in between. */
  burst(...values: readonly unknown[]): void {
    for (const value of values) this.#input(value, 0);
  }

  async watermark(time: number): Promise<void> {
    this.#operator.onWatermark?.(time);
    await this.run();
  }

  async advance(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1) {
      this.clock.advance(1);
      await this.run();
    }
  }

  async idle(isIdle: boolean): Promise<void> {
    this.#operator.onIdle?.(isIdle);
    await this.run();
  }

  async finish(): Promise<void> {
    this.#operator.finish?.();
    await this.run();
  }

  snapshot(): unknown {
    return this.#operator.snapshot?.({ checkpointId: checkpointId(1) });
  }

  close(): void | Promise<void> {
    return this.#operator.close?.();
  }

  /** What a task does between records, until nothing is left to do. */
  async run(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      for (let tick = 0; tick < 4; tick += 1) await Promise.resolve();
      while (this.room > 0 && this.#parked[0]?.isReady === true) {
        const parked = this.#parked.shift() as Parked;
        if (!parked.resume()) this.#parked.unshift(parked);
      }
      if (this.room > 0 && this.#parked.length === 0) for (const work of this.#posted.splice(0)) work();
    }
  }
}

/** Answers after as many milliseconds as the input says, of `['a', 30]`; negative: fails after so many. */
export const after =
  (clock: () => ManualClock): AsyncFunction<unknown, unknown> =>
  (value) => {
    const [name, ms] = value as readonly [string, number];
    return new Promise((resolve, reject) => {
      clock().setTimer(Math.abs(ms), () => (ms >= 0 ? resolve(name) : reject(new Error(`no ${name}`))));
    });
  };

export function taskOf(settings: Partial<AsyncWaitSettings>, restored?: readonly unknown[]): AsyncTask {
  const task: AsyncTask = new AsyncTask(
    after(() => task.clock),
    settings,
    restored,
  );
  return task;
}

/** For cases that do not ask for another. */
export const retry: AsyncRetrySettings = {
  attempts: 2,
  delayMs: (attempt) => 10 * 2 ** (attempt - 1),
  ifResult: () => false,
  ifException: () => true,
};
