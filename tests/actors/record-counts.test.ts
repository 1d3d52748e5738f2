/** The records of a job are counted over its attempts; sums survive another parallelism. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noRecords, recordsBefore } from '../../actors/scheduler/record-counts.js';
import { vertexId } from '../../core/ids.js';
import type { JobVertex } from '../../graph/types.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';

const test = suite('record counts');
const id = vertexId('source');
const task = (subtaskIndex: number, count: number, of = id) => ({ vertexId: of, subtaskIndex, records: { in: count, written: count * 2 } });
const checkpoint = { tasks: [task(0, 5), task(1, 7), task(0, 100, vertexId('other'))] } as unknown as CompletedCheckpoint;
const of = (parallelism: number) => ({ id, parallelism }) as unknown as JobVertex;

test('a subtask counts on from its own count', () => {
  assert.equal(recordsBefore(checkpoint, of(2), 1), { in: 7, written: 14 });
});

test('after a change of parallelism the sum is the same', () => {
  for (const parallelism of [1, 3]) {
    const counts = Array.from({ length: parallelism }, (_, subtask) => recordsBefore(checkpoint, of(parallelism), subtask));
    assert.is(
      counts.reduce((sum, { in: count }) => sum + count, 0),
      12,
    );
  }
});

test('without a checkpoint, and with one that has no counts, it starts from nothing', () => {
  assert.equal(recordsBefore(undefined, of(1), 0), noRecords);
  assert.equal(recordsBefore({ tasks: [{ vertexId: id, subtaskIndex: 0 }] } as unknown as CompletedCheckpoint, of(1), 0), noRecords);
});

test.run();
