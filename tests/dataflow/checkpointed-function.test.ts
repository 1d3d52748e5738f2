/** What functions are told of checkpoints, through a whole job. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  toErrorRecord,
  type CheckpointedFunction,
  type DataStream,
  type KeyedRuntimeContext,
  type RuntimeContext,
  type StreamExecutionEnvironment,
} from '../../index.js';
import type { CheckpointId } from '../../core/ids.js';
import type { Operator } from '../../dataflow/contracts.js';
import type { ErrorPolicySettings } from '../../dataflow/error-policy.js';
import { coMapOperator } from '../../dataflow/operators/co-map.js';
import { coProcessOperator } from '../../dataflow/operators/co-process.js';
import { filterOperator } from '../../dataflow/operators/filter.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import { guardedOperator } from '../../dataflow/operators/guarded.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import { processOperator } from '../../dataflow/operators/process.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';

const test = suite('checkpointed functions');

/** Notes what it is told, and keeps what it collected in operator state when it is asked to. */
class Buffer implements CheckpointedFunction {
  readonly told: string[];
  readonly #held: number[] = [];
  #state: ReturnType<RuntimeContext['operatorListState']> | undefined;

  constructor(told: string[]) {
    this.told = told;
  }

  open(context: RuntimeContext): void {
    this.#state = context.operatorListState<number>('held');
    this.#held.push(...(this.#state.get() as number[]));
    this.told.push(`opened with ${this.#held.join(' ')}`);
  }

  hold(value: number): number {
    this.#held.push(value);
    return this.#held.length;
  }

  snapshotState(checkpointId: number): void {
    this.#state?.update(this.#held);
    this.told.push(`snapshot ${checkpointId}`);
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.told.push(`complete ${checkpointId}`);
  }
}

const forms: Readonly<Record<string, (numbers: DataStream<{ n: number }>, buffer: Buffer) => DataStream<number>>> = {
  map: (numbers, buffer) => numbers.map(Object.assign(buffer, { map: ({ n }: { n: number }) => buffer.hold(n) })),
  'map of fields': (numbers, buffer) => numbers.uses('n').map(Object.assign(buffer, { map: ({ n }: { n: number }) => buffer.hold(n) })),
  filter: (numbers, buffer) => numbers.filter(Object.assign(buffer, { filter: ({ n }: { n: number }) => buffer.hold(n) > 0 })).map(() => 0),
  'flat map': (numbers, buffer) => numbers.flatMap<number>(Object.assign(buffer, { flatMap: ({ n }: { n: number }) => [buffer.hold(n)] })),
  process: (numbers, buffer) =>
    numbers.process<number>(
      Object.assign(buffer, {
        processElement: ({ n }: { n: number }, _context: unknown, out: { collect(n: number): void }) => out.collect(buffer.hold(n)),
      }),
    ),
  'process of fields': (numbers, buffer) =>
    numbers.uses('n').process<number>(Object.assign(buffer, { processElement: ({ n }: { n: number }) => [buffer.hold(n)] })),
  'keyed process': (numbers, buffer) =>
    numbers.keyBy('n').process<number>(Object.assign(buffer, { processElement: ({ n }: { n: number }) => [buffer.hold(n)] })),
  'keyed reduce': (numbers, buffer) =>
    numbers
      .keyBy(() => 0)
      .reduce(Object.assign(buffer, { reduce: (before: { n: number }, { n }: { n: number }) => (buffer.hold(n), before) }))
      .map(() => 0),
  'two inputs': (numbers, buffer) =>
    numbers
      .connect(numbers.filter(() => false))
      .map<number, number>(Object.assign(buffer, { map1: ({ n }: { n: number }) => buffer.hold(n), map2: () => 0 })),
  'process on two inputs': (numbers, buffer) =>
    numbers.connect(numbers.filter(() => false)).process<number>(
      Object.assign(buffer, {
        processElement1: ({ n }: { n: number }) => [buffer.hold(n)],
        processElement2: () => [],
      }),
    ),
};

for (const [form, through] of Object.entries(forms)) {
  test(`${form}: what is put into operator state before a checkpoint comes back with it, and its completion is told`, async () => {
    const told: string[] = [];
    const numbers = new TestInput<{ n: number }>('numbers');
    const results = new TestOutput<number>('results');
    const job = await JobTest.start(
      (env: StreamExecutionEnvironment) => void through(env.fromSource(numbers), new Buffer(told)).sinkTo(results),
    );
    const isReduce = form === 'keyed reduce';
    await numbers.pushAll([{ n: 0 }, { n: 1 }, { n: 2 }].slice(isReduce ? 0 : 1));
    const checkpoint = await job.checkpoint();
    await numbers.push({ n: 3 });
    await job.restore(checkpoint);
    await job.finish();
    assert.equal(told.slice(0, 4), ['opened with ', 'snapshot 1', 'complete 1', 'opened with 1 2'], form);
  });
}

test('functions of every form are told of a checkpoint that was aborted', async () => {
  const { context } = new OperatorBench({ files: new MemoryFileSystem() });
  const keyed = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'keyed' });
  const told: string[] = [];
  const listener = (form: string): CheckpointedFunction => ({ notifyCheckpointAborted: (id) => void told.push(`${form} ${id}`) });
  const operators: Readonly<Record<string, (run: CheckpointedFunction) => unknown>> = {
    map: (run) => mapOperator({ ...run, map: () => 0 }),
    filter: (run) => filterOperator({ ...run, filter: () => true }),
    'flat map': (run) => flatMapOperator({ ...run, flatMap: () => [] }),
    process: (run) => processOperator({ ...run, processElement: () => [] }),
    'keyed process': (run) => keyedProcessOperator(() => 0, { ...run, processElement: () => [] }),
    'two inputs': (run) => coMapOperator({ ...run, map1: () => 0, map2: () => 0 }),
    'process on two inputs': (run) => coProcessOperator({ ...run, processElement1: () => [], processElement2: () => [] }),
    guarded: (run) =>
      guardedOperator(
        processOperator({ ...run, processElement: () => [] }) as Operator,
        {
          attempts: 1,
          deadLetter: undefined,
        } as ErrorPolicySettings,
      ),
  };
  for (const [form, operatorOf] of Object.entries(operators)) {
    const operator = operatorOf(listener(form)) as Operator;
    operator.bind(() => undefined, { ...context, keyed });
    await operator.open?.({ ...context, keyed });
    await operator.checkpointAborted?.(7 as CheckpointId);
    await operator.close?.();
  }
  assert.equal(
    told,
    Object.keys(operators).map((form) => `${form} 7`),
  );
});

test('the state of a key is out of reach there, and what is thrown fails the job by the name of the operator', async () => {
  const numbers = new TestInput<number>('numbers');
  const results = new TestOutput<number>('results');
  const job = await JobTest.start((env) => {
    env
      .fromSource(numbers)
      .keyBy((n) => n)
      .process<number>((runtime: KeyedRuntimeContext) => {
        const count = runtime.valueState<number>('count');
        return {
          processElement: (n) => count.update(n),
          snapshotState: () => count.update(0),
        };
      })
      .name('counts')
      .sinkTo(results);
  });
  await numbers.push(1);
  const error = await job.checkpoint().then(
    () => undefined,
    (reason: unknown) => toErrorRecord(reason),
  );
  assert.equal([error?.code, error?.where], ['STATE_WITHOUT_KEY', 'counts']);
  await job.close();
});

test.run();
