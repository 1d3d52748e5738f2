/** Whatever a job is made of, leaving fields out on its edges changes nothing of its results. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { KeySelector, OperatorFactory } from '../../dataflow/contracts.js';
import type { StreamGraph } from '../../graph/types.js';
import { defineJob, type DataStream, type JobBuilder, type Sink } from '../../index.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { boundTests } from '../support/bounds.js';

boundTests({ testMs: 60_000 });
const test = suite('projection is sound');

type Row = Readonly<Record<string, number>>;
type Graph = StreamGraph<OperatorFactory, KeySelector>;

const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const rows: readonly Row[] = Array.from({ length: 24 }, (_, n) => ({ a: n % 3, b: n % 2, c: n, d: (n * 7) % 5, e: -n, f: n * n }));

/** What a step does with a stream whose records have the fields `all`; it names `some` of them. */
type Step = (
  stream: DataStream<Row>,
  some: readonly [string, ...string[]],
  all: readonly string[],
) => readonly [DataStream<Row>, readonly string[]];

const total = (row: Row): number => Object.values(row).reduce((sum, value) => sum + value, 0);

const steps: Readonly<Record<string, Step>> = {
  rebalance: (stream, _, all) => [stream.rebalance(), all],
  select: (stream, some) => [stream.select(...some), some],
  'map of some': (stream, some) => [stream.uses(...some).map((row): Row => ({ ...row, t: total(row) })), [...new Set([...some, 't'])]],
  'map of all': (stream, _, all) => [stream.map((row): Row => ({ ...row, t: total(row) })), [...new Set([...all, 't'])]],
  'filter of some': (stream, some, all) => [stream.uses(...some).filter((row) => total(row) % 3 !== 0), all],
  'filter of all': (stream, _, all) => [stream.filter((row) => total(row) % 4 !== 0), all],
  sum: (stream, [key, ...others], all) => [stream.keyBy(key).sum(others[0] ?? key), all],
  'max by': (stream, some, all) => [stream.keyBy(...some).maxBy(all[0] as string), all],
  'min behind a function': (stream, [field], all) => [stream.keyBy((row) => total(row) % 3).min(field), all],
  'min behind a declared function': (stream, some, all) => [
    stream
      .uses(...some)
      .keyBy((row) => total(row) % 3)
      .min(all[0] as string),
    all,
  ],
  'select behind a key': (stream, [key, first = key, ...others]) => [stream.keyBy(key).select(first, ...others), [first, ...others]],
  'keyed map': (stream, [key, first = key, ...others]) => {
    const used = [first, ...others] as const;
    const sumOf = (row: Row): number => used.reduce((sum, name) => sum + (row[name] as number), 0);
    const result = stream
      .keyBy(key)
      .uses(...used)
      .process<Row>({ processElement: (row) => [{ [key]: row[key] as number, t: sumOf(row) }] });
    return [result, [...new Set([key, 't'])]];
  },
  'windows of declared fields': (stream, [key, first = key, ...others]) => {
    const used = [...new Set([key, first, ...others])];
    const highest = stream
      .keyBy(key)
      .uses(first, ...others)
      .countWindow(3)
      .maxBy(first)
      // Without projection nothing leaves the other fields out.
      .map((row): Row => Object.fromEntries(used.map((name) => [name, row[name] as number])));
    return [highest, used];
  },
};

/** The same graph, as if nothing were known of it. */
function withoutProjection(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, fieldUse: undefined })),
    edges: graph.edges.map((edge) => ({ ...edge, keyFields: undefined })),
  };
}

async function resultsOf(builder: (sink: Sink<unknown>) => JobBuilder, change: (graph: Graph) => Graph): Promise<readonly string[]> {
  const results: string[] = [];
  const sink: Sink<unknown> = {
    name: 'results',
    data: null,
    createWriter: () => ({ bind: () => (value) => void results.push(JSON.stringify(value)) }),
  };
  const harness = new TaskHarness({ graph: change(defineJob('generated', builder(sink)).build({}) as Graph) });
  harness.deploy();
  await harness.runToEnd();
  return results;
}

/** Steps by name, each with what chooses its fields. */
const programs = fc.record({
  steps: fc.array(
    fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1, maxLength: 3 })),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
  isChained: fc.boolean(),
});

test('results are the same as when all fields travel, in content and order', async () => {
  let projected = 0;
  await fc.assert(
    fc.asyncProperty(programs, async ({ steps: program, isChained }) => {
      const build =
        (sink: Sink<unknown>): JobBuilder =>
        (env) => {
          env.setParallelism(1);
          if (!isChained) env.disableOperatorChaining();
          let stream: DataStream<Row> = env.fromCollection(rows);
          let all: readonly string[] = names;
          for (const [name, choice] of program) {
            const some = [...new Set(choice.map((place) => all[place % all.length] as string))] as unknown as [string, ...string[]];
            [stream, all] = (steps[name] as Step)(stream, some, all);
          }
          stream.sinkTo(sink);
        };
      const expected = await resultsOf(build, withoutProjection);
      const got = await resultsOf(build, (graph) => {
        if (graph.nodes.some(({ fieldUse }) => fieldUse !== undefined)) projected += 1;
        return graph;
      });
      assert.equal(got, expected);
    }),
    {
      numRuns: 120,
      // The key is made behind an operator that does not look at it, for one that does not either.
      examples: [
        [
          {
            steps: [
              ['filter of some', [0]],
              ['select behind a key', [1, 2]],
            ],
            isChained: false,
          },
        ],
      ],
    },
  );
  assert.ok(projected > 60, `${projected} programs said what they use`);
});

test.run();
