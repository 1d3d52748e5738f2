/** Which states a job asks for, found out before it runs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CountTrigger, defineJob, GlobalWindows } from '../../api/index.js';
import type { Operator } from '../../dataflow/contracts.js';
import type { KeyedProcessSetup } from '../../dataflow/functions.js';
import { statesAskedFor } from '../../dataflow/operators/asked-states.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { keyedReduceOperator } from '../../dataflow/operators/keyed-reduce.js';
import { planJob } from '../../graph/job-plan.js';
import { compareStates } from '../../storage/state/state-comparison.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { rangeSource, streamGraph } from '../support/stream-jobs.js';

const test = suite('states asked for');
const silent = { log: () => undefined, child: () => silent };

/** A job with one keyed operator, and a source and a sink that must not be opened. */
const inquiry = (create: () => Operator, clock = new ManualClock()) =>
  statesAskedFor({
    plan: planJob(
      streamGraph({
        nodes: [
          { name: 'numbers', source: rangeSource({ splits: 1, recordsPerSplit: 1, value: () => 1 }) },
          { name: 'per key', isKeyed: true, create },
          { name: 'sink', isSink: true, create: () => ({ bind: () => () => {}, open: () => assert.unreachable('the sink was opened') }) },
        ],
        edges: [
          { from: 'numbers', to: 'per key', partitioner: 'HASH', key: () => 1 },
          { from: 'per key', to: 'sink' },
        ],
      }),
    ),
    ports: { clock, random: new SeededRandom(1), logger: silent, files: new MemoryFileSystem() },
  });

const process = (setup: KeyedProcessSetup<number, number, number>) => () =>
  keyedProcessOperator<number, number, number>((value) => value, setup) as never;
const statesOf = async (asking: ReturnType<typeof inquiry>) => {
  const found = (await asking).find(({ name }) => name === 'per key');
  return {
    states: found?.states.map(({ descriptor, isMigrated }) => [descriptor.name, descriptor.kind, descriptor.version, isMigrated]),
    problem: found?.problem,
  };
};

test('a setup function and open are called, closed again, and what they ask for is told (AS1)', async () => {
  const calls: string[] = [];
  const asking = inquiry(
    process((runtime) => {
      runtime.valueState('sum', { version: 2, migrate: () => 1 });
      runtime.operatorListState('buffer');
      return {
        open: async (context) => {
          await Promise.resolve();
          context.mapState('seen', { ttl: { timeToLive: '1 h' } });
          calls.push('open');
        },
        processElement: () => void calls.push('record'),
        close: () => void calls.push('close'),
      };
    }),
  );
  assert.equal(await statesOf(asking), {
    states: [
      ['sum', 'value', 2, true],
      ['seen', 'map', 1, false],
      ['buffer', 'operator list', 1, false],
    ],
    problem: undefined,
  });
  assert.equal(calls, ['open', 'close']);
});

test('an operator of our own says what it keeps; sources and sinks are not opened', async () => {
  const asking = inquiry(
    () =>
      keyedReduceOperator<number>(
        () => 1,
        (left, right) => left + right,
      ) as never,
  );
  assert.equal(
    (await asking).map(({ name, states }) => [name, states.length]),
    [
      ['numbers', 0],
      ['per key', 1],
      ['sink', 0],
    ],
  );
});

test('what was asked for before open threw counts, and that there may be more is told (AS2)', async () => {
  const setup: KeyedProcessSetup<number, number, number> = {
    open: (context) => {
      context.valueState('sum');
      throw new Error('no database here');
    },
    processElement: () => {},
  };
  const { states, problem } = await statesOf(inquiry(process(setup)));
  assert.equal(states, [['sum', 'value', 1, false]]);
  assert.match(problem ?? '', /no database here/);
});

test('one that does not open in time does not stop the others (AS2)', async () => {
  const clock = new ManualClock();
  const asking = inquiry(
    process((runtime) => {
      runtime.valueState('sum');
      return { open: () => new Promise<void>(() => {}), processElement: () => {} };
    }),
    clock,
  );
  await Promise.resolve();
  clock.advance(10_000);
  const { states, problem } = await statesOf(asking);
  assert.equal(states, [['sum', 'value', 1, false]]);
  assert.match(problem ?? '', /longer than/);
});

test('windows say which states triggers and window functions ask for later', async () => {
  const job = defineJob('windows', (env) => {
    env
      .fromData('a', 'b')
      .keyBy((word) => word)
      .window(GlobalWindows.create())
      .trigger(CountTrigger.of(2))
      .process(() => [])
      .name('per window')
      .print();
  });
  const plan = planJob(job.build({}));
  const ports = { clock: new ManualClock(), random: new SeededRandom(1), logger: silent, files: new MemoryFileSystem() };
  const window = (await statesAskedFor({ plan, ports })).find(({ name }) => name === 'per window');
  assert.ok(window !== undefined && window.problem === undefined && window.states.length > 0);
  const held = ['trigger/count', 'window/seen', 'global/total', 'something else'].map(
    (name) => ({ name, kind: 'value', isNamespaced: true, version: 1, hasTtl: false }) as const,
  );
  const verdicts = compareStates([{ operatorId: window.operatorId, states: held }], [window]).map(({ state, verdict }) => [state, verdict]);
  for (const [state, verdict] of [
    ['trigger/count', 'unknown'],
    ['window/seen', 'unknown'],
    ['global/total', 'unknown'],
    ['something else', 'dropped'],
  ]) {
    assert.ok(
      verdicts.some(([name, found]) => name === state && found === verdict),
      `${state}: ${verdict}, of ${JSON.stringify(verdicts)}`,
    );
  }
});

test.run();
