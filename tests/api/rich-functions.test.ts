/** Functions that are objects: opened before the first record, closed after the last, with a context; and what they count. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import type { FunctionMetric } from '../../bus/protocol/messages/tasks.js';
import {
  sequenceSource,
  throttled,
  type JobBuilder,
  type Meter,
  type MetricCounter,
  type MetricHistogram,
  type RichFunction,
  type RuntimeContext,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated } from '../support/run-simulated.js';

boundTests({ testMs: 30_000 });
const test = suite('rich functions');

/** Notes what is called, in order, with what. */
function noting(calls: string[], name: string): Required<RichFunction> {
  return {
    open: ({ task, operatorName }) => {
      calls.push(`${name} open ${operatorName} ${task.subtaskIndex}/${task.parallelism} attempt ${task.attemptNumber}`);
    },
    close: () => void calls.push(`${name} close`),
  };
}

const kinds: readonly { readonly name: string; readonly add: (calls: string[]) => JobBuilder; readonly results: readonly unknown[] }[] = [
  {
    name: 'map',
    add: (calls) => (env) =>
      void env
        .fromData(1, 2)
        .map({ ...noting(calls, 'map'), map: (value) => value * 2 })
        .name('doubled')
        .collect('out'),
    results: [2, 4],
  },
  {
    name: 'filter',
    add: (calls) => (env) =>
      void env
        .fromData(1, 2)
        .filter({ ...noting(calls, 'filter'), filter: (value) => value > 1 })
        .name('doubled')
        .collect('out'),
    results: [2],
  },
  {
    name: 'flatMap',
    add: (calls) => (env) =>
      void env
        .fromData(1, 2)
        .flatMap<number>({
          ...noting(calls, 'flatMap'),
          flatMap: (value, out) => {
            out.collect(value);
            return [value * 10];
          },
        })
        .name('doubled')
        .collect('out'),
    results: [1, 10, 2, 20],
  },
  {
    name: 'reduce',
    add: (calls) => (env) =>
      void env
        .fromData(1, 2)
        .keyBy(() => 'all')
        .reduce({ ...noting(calls, 'reduce'), reduce: (sum, value) => sum + value })
        .name('doubled')
        .collect('out'),
    results: [1, 3],
  },
  {
    name: 'map of declared fields',
    add: (calls) => (env) =>
      void env
        .fromData({ a: 1, b: 1 }, { a: 2, b: 2 })
        .uses('a')
        .map({ ...noting(calls, 'map of declared fields'), map: (record) => Object.keys(record).length + record.a })
        .name('doubled')
        .collect('out'),
    results: [2, 3],
  },
];

for (const { name, add, results } of kinds) {
  test(`a rich ${name} is opened once with its context, called for each record, and closed`, async () => {
    const calls: string[] = [];
    const summary = await runSimulated(add(calls));
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.equal(summary.results?.['out'], results);
    // The builder also runs in the client: only what ran in a task was opened.
    assert.equal(calls, [`${name} open doubled 0/1 attempt 0`, `${name} close`]);
  });
}

test('methods are called on their object, whose fields belong to one task', async () => {
  class Numbered {
    #next = 0;
    map(value: string): string {
      this.#next += 1;
      return `${this.#next} ${value}`;
    }
  }
  const { results } = await runSimulated((env) => void env.fromData('a', 'b').map(new Numbered()).collect('out'));
  assert.equal(results?.['out'], ['1 a', '2 b']);
});

test('what a rich function throws names its operator, and open that fails fails the task', async () => {
  const thrown = await runSimulated((env) => {
    env.setRestartStrategy({ kind: 'none' });
    env
      .fromData(1)
      .map({
        map: () => {
          throw new Error('no luck');
        },
      })
      .name('unlucky')
      .collect('out');
  });
  assert.is(thrown.error?.where, 'unlucky');
  const closed = await runSimulated((env) => {
    env.setRestartStrategy({ kind: 'none' });
    env
      .fromData(1)
      .map({ open: () => Promise.reject(new Error('no connection')), map: (value) => value })
      .name('unconnected')
      .collect('out');
  });
  assert.is(closed.error?.where, 'unconnected');
  assert.match(closed.error?.message ?? '', /no connection/);
});

test('a rich function that answers with promises is refused as a plain one is', async () => {
  const summary = await runSimulated((env) => {
    // oxlint-disable-next-line typescript/no-explicit-any -- what JavaScript may write
    const promising: any = { map: (value: number) => Promise.resolve(value) };
    env.fromData(1).map<number>(promising).name('promising').collect('out');
  });
  assert.is(summary.error?.code, 'FUNCTION_ASYNC');
  assert.is(summary.error?.where, 'promising');
});

test('metrics of functions are told with those of their subtask, by operator and name', async () => {
  let told: readonly FunctionMetric[] = [];
  const builder: JobBuilder = (env) => {
    let even: MetricCounter;
    let values: MetricHistogram;
    let records: Meter;
    env
      .fromSource(throttled(sequenceSource(1, 100), { recordsPerSecond: 25 }))
      .map({
        open: ({ metrics }) => {
          even = metrics.counter('even');
          assert.is(metrics.counter('even'), even, 'the same name gives the same counter');
          values = metrics.histogram('values');
          records = metrics.meter('records');
          metrics.gauge('seven', () => 7);
          metrics.gauge('broken', () => {
            throw new Error('no value');
          });
        },
        map: (value) => {
          if (value % 2 === 0) even.increment();
          values.record(value);
          records.mark();
          return value;
        },
      })
      .collect('out');
  };
  const { status } = await runSimulated(builder, {
    onProgress: ({ jobId }, cluster) => {
      void cluster
        .client()
        .client.describe(jobId, { withHistory: true })
        .then((job) => {
          const functions = job?.vertices?.flatMap(({ subtasks }) => subtasks.flatMap(({ metrics }) => metrics.functions ?? [])) ?? [];
          if (functions.some(({ values }) => (values['count'] ?? 0) >= 10)) told = functions;
        });
    },
  });
  assert.is(status, 'FINISHED');
  const [{ operator } = { operator: '' }] = told;
  assert.equal(
    told.map(({ kind, name }) => `${kind} ${name}`),
    ['counter even', 'histogram values', 'meter records', 'gauge seven', 'gauge broken'],
  );
  assert.ok(told.every((metric) => metric.operator === operator));
  const [even, values, records, seven, broken] = told.map((metric) => metric.values);
  const count = records?.['count'] ?? 0;
  assert.is(even?.['count'], Math.floor(count / 2));
  assert.is(values?.['count'], count);
  assert.is(values?.['max'], count);
  assert.ok(Math.abs((records?.['perSecond'] ?? 0) - 25) < 5, `25 come a second: ${records?.['perSecond']}`);
  assert.equal(seven, { value: 7 });
  assert.equal(broken, {}, 'a gauge that throws harms nothing (FM3)');
});

const refused: readonly { readonly code: string; readonly message: RegExp; readonly open: (context: RuntimeContext) => void }[] = [
  {
    code: 'METRIC_KIND_CLASH',
    message: /"n" is kept as a counter already, and was asked for as a meter/,
    open: ({ metrics }) => {
      metrics.counter('n');
      metrics.meter('n');
    },
  },
  { code: 'METRIC_NAME_INVALID', message: /"" is no name of a metric/, open: ({ metrics }) => void metrics.counter('') },
  {
    code: 'METRICS_TOO_MANY',
    message: /more than 32 metrics/,
    open: ({ metrics }) => {
      for (let n = 0; n <= limits.metricsPerTask; n += 1) metrics.counter(`counter ${n}`);
    },
  },
];

for (const { code, message, open } of refused) {
  test(`${code} fails the job and names the operator (FM1, FM2)`, async () => {
    const summary = await runSimulated(
      (env) =>
        void env
          .fromData(1)
          .map({ open, map: (value) => value })
          .name('measured')
          .collect('out'),
    );
    assert.is(summary.error?.code, code, JSON.stringify(summary.error));
    assert.match(summary.error?.message ?? '', message);
    assert.is(summary.error?.where, 'measured');
  });
}

test.run();
