/**
 * What every sink with exactly-once output must do. A fixture starts with an empty target.
 *
 * States pass through the codec of checkpoints, so that what is not plain data is found out here.
 */
import { strict as assert } from 'node:assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import { checkpointId } from '../../core/ids.js';
import type { Clock, FileSystem } from '../../core/ports.js';
import { noTimestamp, type Emit, type Operator, type Sink } from '../../dataflow/contracts.js';
import { OperatorBench, type OperatorBenchOptions } from '../operator-bench.js';
import type { Contract } from './contract.js';

export interface SinkFixture<T> {
  readonly files: FileSystem;
  readonly clock?: Clock;
  makeSink(): Sink<T>;
  /** A record that is like no other; `number` from 0. */
  record(number: number): T;
  /** Numbers of the records that readers of the target see, in any order. */
  visible(): Promise<readonly number[]>;
}

/** A writer with a task around it, as far as it can tell. */
export class SinkBench<T> {
  readonly bench: OperatorBench;
  readonly #writer: Operator<T, never>;
  readonly #write: Emit<T>;

  constructor(sink: Sink<T>, options: OperatorBenchOptions) {
    this.bench = new OperatorBench(options);
    this.#writer = sink.createWriter();
    this.#write = this.#writer.bind(() => assert.fail('a sink emitted'), this.bench.context);
  }

  async open(): Promise<this> {
    await this.#writer.open?.(this.bench.context);
    return this;
  }

  async write(...values: readonly T[]): Promise<void> {
    for (const value of values) {
      this.#write(value, noTimestamp);
      await this.bench.settle();
    }
  }

  /** The state, as it comes back from a checkpoint. */
  async snapshot(id: number): Promise<unknown> {
    await this.#writer.prepareSnapshot?.(checkpointId(id));
    return decode(encode(await this.#writer.snapshot?.({ checkpointId: checkpointId(id) })));
  }

  async completed(id: number): Promise<void> {
    await this.#writer.checkpointCompleted?.(checkpointId(id));
  }

  async aborted(id: number): Promise<void> {
    await this.#writer.checkpointAborted?.(checkpointId(id));
  }

  async finish(): Promise<void> {
    this.#writer.endInput?.();
    await this.bench.settle();
    this.#writer.finish?.();
    await this.bench.settle();
  }

  async close(): Promise<void> {
    await this.#writer.close?.();
  }
}

/** Starts a writer of a fixture's sink. */
export type StartWriter = (options?: Omit<OperatorBenchOptions, 'files' | 'clock'>) => Promise<SinkBench<unknown>>;

/** Runs a case, then closes the writers that it left behind as dead: they hold connections. */
export async function withWriters(fixture: SinkFixture<unknown>, run: (start: StartWriter) => Promise<void>): Promise<void> {
  const { files, clock } = fixture;
  const started: SinkBench<unknown>[] = [];
  try {
    await run((options = {}) => {
      const writer = new SinkBench(fixture.makeSink(), { ...options, files, ...(clock === undefined ? {} : { clock }) });
      started.push(writer);
      return writer.open();
    });
  } finally {
    for (const writer of started) await writer.close();
  }
}

interface Given {
  readonly fixture: SinkFixture<unknown>;
  readonly start: StartWriter;
  sees(...numbers: readonly number[]): Promise<void>;
}

const cases: Record<string, (given: Given) => Promise<void>> = {
  'nothing is visible before a checkpoint completed, and then what came before it is': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0), fixture.record(1));
    await sees();
    await writer.snapshot(1);
    await writer.write(fixture.record(2));
    await sees();
    await writer.completed(1);
    await sees(0, 1);
    await writer.close();
  },
  'a completed checkpoint commits all before it, also aborted ones and those whose completion was lost': async ({
    fixture,
    start,
    sees,
  }) => {
    const writer = await start();
    for (const number of [0, 1, 2, 3]) {
      await writer.write(fixture.record(number));
      await writer.snapshot(number + 1);
    }
    await writer.aborted(1);
    await writer.completed(3);
    await sees(0, 1, 2);
    await writer.close();
  },
  'completing twice is completing once': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.snapshot(1);
    await Promise.all([writer.completed(1), writer.completed(1)]);
    await writer.completed(1);
    await sees(0);
    await writer.close();
  },
  'a checkpoint without records is fine': async ({ start, sees }) => {
    const writer = await start();
    const state = await writer.snapshot(1);
    await writer.completed(1);
    await writer.close();
    const restored = await start({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
    await restored.close();
    await sees();
  },
  'what was in the restored checkpoint becomes visible, and what came after it does not': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    const state = await writer.snapshot(1);
    await writer.write(fixture.record(1));
    await writer.snapshot(2);
    await writer.write(fixture.record(2));
    const restored = await start({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
    await sees(0);
    await restored.write(fixture.record(1), fixture.record(2));
    await restored.snapshot(3);
    await restored.completed(3);
    await sees(0, 1, 2);
    await restored.close();
  },
  'a checkpoint that was committed before is committed again without harm, any number of times': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    const state = await writer.snapshot(1);
    await writer.completed(1);
    for (const attempt of [1, 2, 3]) {
      const restored = await start({ attempt, restored: [state], restoredCheckpointId: checkpointId(1) });
      await sees(0);
      await restored.close();
    }
  },
  'a straggler that commits after its successor restored does no harm': async ({ fixture, start, sees }) => {
    const straggler = await start();
    await straggler.write(fixture.record(0));
    const state = await straggler.snapshot(1);
    const restored = await start({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
    await straggler.completed(1);
    await straggler.close();
    await restored.write(fixture.record(1));
    await restored.snapshot(2);
    await restored.completed(2);
    await sees(0, 1);
    await restored.close();
  },
  'a straggler that commits after its successor committed more does no harm': async ({ fixture, start, sees }) => {
    const straggler = await start();
    await straggler.write(fixture.record(0));
    const state = await straggler.snapshot(1);
    const restored = await start({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
    for (const id of [2, 3]) {
      await restored.write(fixture.record(id));
      await restored.snapshot(id);
      await restored.completed(id);
    }
    await straggler.completed(1);
    await straggler.close();
    await sees(0, 2, 3);
    await restored.close();
  },
  'a straggler that starts late leaves the work of its successor alone': async ({ fixture, start, sees }) => {
    const writer = await start({ attempt: 1 });
    await writer.write(fixture.record(0));
    await writer.snapshot(1);
    const straggler = await start({ attempt: 0 });
    await straggler.close();
    await writer.completed(1);
    await sees(0);
    await writer.close();
  },
  'a start from the beginning shows nothing of what failed before': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.snapshot(1);
    await writer.write(fixture.record(1));
    const restarted = await start({ attempt: 1 });
    await restarted.write(fixture.record(0));
    await restarted.snapshot(2);
    await restarted.completed(2);
    await sees(0);
    await restarted.close();
  },
  'subtasks write side by side': async ({ fixture, start, sees }) => {
    const writers = [await start({ subtaskIndex: 0, parallelism: 2 }), await start({ subtaskIndex: 1, parallelism: 2 })];
    for (const [index, writer] of writers.entries()) {
      await writer.write(fixture.record(index));
      await writer.snapshot(1);
    }
    for (const writer of writers) await writer.completed(1);
    await sees(0, 1);
    for (const writer of writers) await writer.close();
  },
  'with another parallelism every transaction of the checkpoint is committed, whoever gets it': async ({ fixture, start, sees }) => {
    const states: unknown[] = [];
    for (const subtaskIndex of [0, 1, 2]) {
      const writer = await start({ subtaskIndex, parallelism: 3 });
      await writer.write(fixture.record(subtaskIndex));
      states.push(await writer.snapshot(1));
    }
    const restoredCheckpointId = checkpointId(1);
    const first = await start({ attempt: 1, subtaskIndex: 1, parallelism: 2, restored: [states[0], states[2]], restoredCheckpointId });
    const second = await start({ attempt: 1, subtaskIndex: 0, parallelism: 2, restored: [states[1]], restoredCheckpointId });
    await sees(0, 1, 2);
    await first.close();
    await second.close();
  },
  'a commit that comes after other writers committed, and went on, is whole': async ({ fixture, start, sees }) => {
    const late = await start({ subtaskIndex: 0, parallelism: 2 });
    const early = await start({ subtaskIndex: 1, parallelism: 2 });
    await late.write(fixture.record(0), fixture.record(1));
    const state = await late.snapshot(1);
    for (const id of [1, 2, 3]) {
      await early.write(fixture.record(10 + id));
      await early.snapshot(id);
      await early.completed(id);
    }
    await sees(11, 12, 13);
    await late.completed(1);
    await sees(0, 1, 11, 12, 13);
    const again = await start({ attempt: 1, subtaskIndex: 0, parallelism: 2, restored: [state], restoredCheckpointId: checkpointId(1) });
    await sees(0, 1, 11, 12, 13);
    await again.close();
  },
  'with another parallelism and back again every record is there once': async ({ fixture, start, sees }) => {
    const before = await start({ subtaskIndex: 1, parallelism: 2 });
    await before.write(fixture.record(0));
    const first = await before.snapshot(1);
    const restoredFirst = { restored: [first], restoredCheckpointId: checkpointId(1) };
    const alone = await start({ attempt: 1, subtaskIndex: 0, parallelism: 1, ...restoredFirst });
    await alone.write(fixture.record(1));
    const second = await alone.snapshot(2);
    const restoredSecond = { restored: [second], restoredCheckpointId: checkpointId(2) };
    const writers = [
      await start({ attempt: 2, subtaskIndex: 0, parallelism: 2, ...restoredSecond }),
      await start({ attempt: 2, subtaskIndex: 1, parallelism: 2 }),
    ];
    for (const [index, writer] of writers.entries()) {
      await writer.write(fixture.record(2 + index));
      await writer.snapshot(3);
      await writer.completed(3);
    }
    await sees(0, 1, 2, 3);
  },
  'at the end of input the final checkpoint shows the rest': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.finish();
    await sees();
    await writer.snapshot(1);
    await writer.completed(1);
    await sees(0);
    await writer.close();
  },
  'without checkpoints everything is visible when the sink has finished': async ({ fixture, start, sees }) => {
    const writer = await start({ isCheckpointed: false });
    await writer.write(fixture.record(0), fixture.record(1));
    await sees();
    await writer.finish();
    await sees(0, 1);
    await writer.close();
  },
  'closing in the middle shows nothing, and may be repeated': async ({ fixture, start, sees }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.close();
    await writer.close();
    await sees();
  },
};

/** The contract of sinks built on two-phase commit. */
export const sinkContract: Contract<SinkFixture<unknown>> = Object.entries(cases).map(([name, body]) => ({
  name,
  run: (fixture) => withWriters(fixture, (start) => body(given(fixture, start))),
}));

function given(fixture: SinkFixture<unknown>, start: StartWriter): Given {
  return {
    fixture,
    start,
    sees: async (...numbers) =>
      assert.deepEqual(
        [...(await fixture.visible())].sort((a, b) => a - b),
        numbers,
      ),
  };
}
