/** Where the records of a stream go, on a whole cluster under virtual time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequenceSource, type DataStream, type JobBuilder } from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated } from '../support/run-simulated.js';

boundTests({ testMs: 30_000 });
const test = suite('partitioners');

interface Landed {
  readonly value: number;
  readonly from: number;
  readonly to: number;
}

const records = 400;

/** Every record with the subtask it came from (of two) and the one it went to (of `consumers`). */
async function landings(
  partition: (stream: DataStream<Omit<Landed, 'to'>>) => DataStream<Omit<Landed, 'to'>>,
  consumers = 4,
): Promise<readonly Landed[]> {
  const builder: JobBuilder = (env) => {
    const source = env
      .fromSource(sequenceSource(1, records))
      .setParallelism(2)
      .process<Omit<Landed, 'to'>>(({ task }) => ({ processElement: (value, _, out) => out.collect({ value, from: task.subtaskIndex }) }))
      .setParallelism(2);
    partition(source)
      .process<Landed>(({ task }) => ({ processElement: (record, _, out) => out.collect({ ...record, to: task.subtaskIndex }) }))
      .setParallelism(consumers)
      .collect('landed')
      .setParallelism(consumers);
  };
  const summary = await runSimulated(builder);
  assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
  const landed = (summary.results?.landed ?? []) as readonly Landed[];
  assert.equal(
    landed.map(({ value }) => value).sort((left, right) => left - right),
    Array.from({ length: records }, (_, index) => index + 1),
    'every record lands once',
  );
  return landed;
}

const counts = (landed: readonly Landed[]): readonly number[] =>
  landed.reduce<number[]>((sums, { to }) => sums.with(to, (sums[to] as number) + 1), [0, 0, 0, 0]);

test('rescale keeps records among neighbours and shares them out evenly', async () => {
  const landed = await landings((stream) => stream.rescale());
  for (const { from, to } of landed) assert.is(Math.floor(to / 2), from);
  for (const from of [0, 1]) {
    const ours = landed.filter((record) => record.from === from);
    const [even, odd] = [0, 1].map((parity) => ours.filter(({ to }) => to % 2 === parity).length) as [number, number];
    assert.ok(Math.abs(even - odd) <= 1, `${even} and ${odd}`);
  }
});

test('global sends everything to the first subtask', async () => {
  assert.equal(counts(await landings((stream) => stream.global())), [records, 0, 0, 0]);
});

test('shuffle leaves no subtask without its share', async () => {
  for (const count of counts(await landings((stream) => stream.shuffle()))) assert.ok(count > records / 8, `${count} of ${records}`);
});

test('partitionCustom asks the function, with the key and the number of subtasks', async () => {
  const landed = await landings((stream) =>
    stream.partitionCustom(
      ({ value }) => value % 8,
      (key, subtasks) => (key * 3 + 1) % subtasks,
    ),
  );
  for (const { value, to } of landed) assert.is(to, ((value % 8) * 3 + 1) % 4);
});

test('a partition that is no subtask fails the job, and the error names the place and what to return', async () => {
  const summary = await runSimulated((env) => {
    env
      .fromData(1, 2, 3)
      .partitionCustom(
        (value) => value,
        (key) => -key,
      )
      .collect()
      .setParallelism(2);
  });
  assert.is(summary.status, 'FAILED');
  assert.match(summary.error?.message ?? '', /chose subtask -\d of 2/);
  assert.match(summary.error?.where ?? '', /partitionCustom after/);
});

test.run();
