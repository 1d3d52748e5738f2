/**
 * What every sink that writes at least once must do. A fixture starts with an empty target.
 */
import { strict as assert } from 'node:assert';
import { checkpointId } from '../../core/ids.js';
import type { Contract } from './contract.js';
import { withWriters, type SinkFixture, type StartWriter } from './sink.js';

export interface AtLeastOnceSinkFixture<T> extends SinkFixture<T> {
  /** Records of a subtask arrive in order, as long as nothing fails: then `visible` tells them in order. */
  readonly isOrdered?: boolean;
}

interface Given {
  readonly fixture: AtLeastOnceSinkFixture<unknown>;
  readonly start: StartWriter;
  /** Each number at least once, and no others. */
  holds(...numbers: readonly number[]): Promise<void>;
}

/** Enough to be more than one batch of any sink with small bounds. */
const many = Array.from({ length: 50 }, (_, number) => number);

const cases: Record<string, (given: Given) => Promise<void>> = {
  'when a barrier passes, everything before it is there': async ({ fixture, start, holds }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.snapshot(1);
    await holds(0);
    await writer.write(...many.slice(1).map((number) => fixture.record(number)));
    await writer.snapshot(2);
    await holds(...many);
    await writer.close();
  },
  'nothing is lost between a barrier and its completion, whether it completes, twice, or is aborted': async ({ fixture, start, holds }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.snapshot(1);
    await writer.write(fixture.record(1));
    await writer.completed(1);
    await writer.completed(1);
    await writer.snapshot(2);
    await writer.aborted(2);
    await writer.write(fixture.record(2));
    await writer.snapshot(3);
    await holds(0, 1, 2);
    await writer.close();
  },
  'what is written again after a crash is there at least once, whether or not the checkpoint before it was known to be complete': async ({
    fixture,
    start,
    holds,
  }) => {
    const seen: number[] = [];
    for (const [attempt, isKnown] of [false, true].entries()) {
      const [first, second, third] = [0, 1, 2].map((number) => attempt * 3 + number) as [number, number, number];
      const writer = await start({ attempt: attempt * 2 });
      await writer.write(fixture.record(first));
      const state = await writer.snapshot(1);
      if (isKnown) await writer.completed(1);
      await writer.write(fixture.record(second), fixture.record(third));
      await writer.close();
      const restored = await start({ attempt: attempt * 2 + 1, restored: [state], restoredCheckpointId: checkpointId(1) });
      await restored.write(fixture.record(second), fixture.record(third));
      await restored.snapshot(2);
      seen.push(first, second, third);
      await holds(...seen);
      await restored.close();
    }
  },
  'at the end of input everything is there, with checkpoints and without': async ({ fixture, start, holds }) => {
    for (const [number, isCheckpointed] of [true, false].entries()) {
      const writer = await start({ isCheckpointed, subtaskIndex: number, parallelism: 2 });
      await writer.write(fixture.record(number));
      await writer.finish();
      await writer.close();
    }
    await holds(0, 1);
  },
  'subtasks write side by side, and go on with another parallelism': async ({ fixture, start, holds }) => {
    const states: unknown[] = [];
    for (const subtaskIndex of [0, 1, 2]) {
      const writer = await start({ subtaskIndex, parallelism: 3 });
      await writer.write(fixture.record(subtaskIndex));
      states.push(await writer.snapshot(1));
    }
    const restored = await start({ attempt: 1, restored: states, restoredCheckpointId: checkpointId(1) });
    await restored.write(fixture.record(3));
    await restored.snapshot(2);
    await holds(0, 1, 2, 3);
  },
  'records of a subtask arrive in order, if the sink says so': async ({ fixture, start }) => {
    if (fixture.isOrdered !== true) return;
    const writer = await start();
    await writer.write(...many.map((number) => fixture.record(number)));
    await writer.snapshot(1);
    assert.deepEqual(await fixture.visible(), many);
  },
  'closing in the middle is fine, and may be repeated': async ({ fixture, start }) => {
    const writer = await start();
    await writer.write(fixture.record(0));
    await writer.close();
    await writer.close();
  },
};

/** The contract of sinks that write at least once. */
export const atLeastOnceSinkContract: Contract<AtLeastOnceSinkFixture<unknown>> = Object.entries(cases).map(([name, body]) => ({
  name,
  run: (fixture) => withWriters(fixture, (start) => body(given(fixture, start))),
}));

function given(fixture: AtLeastOnceSinkFixture<unknown>, start: StartWriter): Given {
  return {
    fixture,
    start,
    holds: async (...numbers) =>
      assert.deepEqual(
        [...new Set(await fixture.visible())].sort((a, b) => a - b),
        numbers,
      ),
  };
}
