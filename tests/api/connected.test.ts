/** Jobs with connected streams: what they plan, what they make of their records, and which mistakes are refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planPicture } from '../../graph/plan-picture.js';
import { defineJob, outputTag, type DataStream, type JobBuilder, type StreamExecutionEnvironment } from '../../index.js';
import { refused } from '../support/refused.js';
import { Committed, runGraph, slowSource } from '../support/run-graph.js';
import { nothing } from '../support/sinks.js';
import { graphOf } from '../support/word-count.js';

const test = suite('connected streams');

const words = (env: StreamExecutionEnvironment): DataStream<string> => env.fromCollection(['a', 'bb', 'ccc']);
const numbers = (env: StreamExecutionEnvironment): DataStream<number> => env.fromCollection([1, 2, 3]);

test('map, flatMap and process take the records of both, whatever their types', async () => {
  const [mapped, flat, processed, side] = [
    new Committed<unknown>(),
    new Committed<unknown>(),
    new Committed<string>(),
    new Committed<number>(),
  ];
  const tag = outputTag<number>('numbers');
  await runGraph((env) => {
    env.setParallelism(2);
    const both = words(env).connect(numbers(env));
    both.map({ map1: (text) => text.length, map2: (value) => `n${value}` }).sinkTo(mapped.sink);
    both
      .flatMap({ flatMap1: (text) => text.split(''), flatMap2: (value, out: { collect(value: number): void }) => out.collect(value) })
      .sinkTo(flat.sink);
    const split = both.process<string>({
      processElement1: (text) => [text],
      processElement2: (value, context) => context.output(tag, value),
      finish: () => ['end'],
    });
    split.sinkTo(processed.sink);
    split.getSideOutput(tag).sinkTo(side.sink);
    split.getSideOutput(outputTag<string>('nobody')).sinkTo(processed.sink);
  });
  assert.equal(mapped.lines(), ['1', '2', '3', 'n1', 'n2', 'n3']);
  assert.equal(flat.lines(), ['1', '2', '3', 'a', 'b', 'b', 'c', 'c', 'c']);
  assert.equal(processed.lines(), ['a', 'bb', 'ccc', 'end', 'end']);
  assert.equal(side.lines(), ['1', '2', '3']);
});

test('a stream may be connected with a union, with itself, and with a side output', async () => {
  const out = new Committed<string>();
  const odd = outputTag<number>('odd');
  await runGraph((env) => {
    env.setParallelism(1);
    const all = numbers(env).union(env.fromCollection([10]), env.fromCollection([20]));
    const split = all.process<number>({
      processElement: (value, context, { collect }) => (value % 2 === 0 ? collect(value) : context.output(odd, value)),
    });
    const named = { map1: (value: number) => `first ${value}`, map2: (value: number) => `second ${value}` };
    const first = split.connect(split.getSideOutput(odd)).map(named);
    const second = numbers(env)
      .union(numbers(env))
      .connect(all)
      .map({ map1: (value) => `a${value}`, map2: (value) => `b${value}` });
    const third = all.connect(all).map({ map1: (value) => `x${value}`, map2: (value) => `y${value}` });
    first.union(second, third).sinkTo(out.sink);
  });
  const each = (prefix: string, values: readonly number[]): string[] => values.map((value) => `${prefix}${value}`);
  const whole = [1, 2, 3, 10, 20];
  assert.equal(
    out.lines(),
    [
      ...each('first ', [2, 10, 20]),
      ...each('second ', [1, 3]),
      ...each('a', [1, 2, 3, 1, 2, 3]),
      ...each('b', whole),
      ...each('x', whole),
      ...each('y', whole),
    ].sort(),
  );
});

interface Person {
  readonly id: number;
  readonly name: string;
}
interface Auction {
  readonly item: string;
  readonly seller: number;
}

const people: readonly Person[] = Array.from({ length: 30 }, (_, id) => ({ id, name: `person ${id}` }));
const auctions: readonly Auction[] = Array.from({ length: 200 }, (_, n) => ({ item: `item ${n}`, seller: (n * 7) % 35 }));

/** Each auction with its seller, in whatever order they come (Nexmark's query 3 without its filters). */
const sellers =
  (parallelism: number, out: Committed<string>, isKeyedBefore: boolean): JobBuilder =>
  (env) => {
    env.setParallelism(parallelism);
    const persons = env.fromSource(slowSource(people, 1));
    const items = env.fromSource(slowSource(auctions, 2));
    const met = isKeyedBefore
      ? persons.keyBy('id').connect(items.keyBy('seller'))
      : persons.connect(items).keyBy('id', ({ seller }) => seller);
    met
      .process<string>((runtime) => {
        const person = runtime.valueState<Person>('person');
        const waiting = runtime.listState<string>('items');
        return {
          processElement1(value) {
            person.update(value);
            const results = waiting.get().map((item) => `${value.name} sells ${item}`);
            waiting.clear();
            return results;
          },
          processElement2({ item }) {
            const seller = person.value();
            if (seller !== undefined) return [`${seller.name} sells ${item}`];
            waiting.add(item);
            return [];
          },
        };
      })
      .sinkTo(out.sink);
  };

const sold = auctions
  .filter(({ seller }) => seller < people.length)
  .map(({ item, seller }) => `person ${seller} sells ${item}`)
  .sort();

for (const parallelism of [1, 2, 4]) {
  test(`records of two keyed streams meet by key, exactly once under failures, at parallelism ${parallelism}`, async () => {
    let kills = 0;
    for (const isKeyedBefore of [false, true]) {
      for (let seed = 1; seed <= 4; seed += 1) {
        const out = new Committed<string>();
        kills += await runGraph(sellers(parallelism, out, isKeyedBefore), { seed, killsMax: 3 });
        assert.equal(out.lines(), sold, `seed ${seed}`);
      }
    }
    assert.ok(kills > 0, 'nothing was killed');
  });
}

test('the operator stands alone at the head of its chain, and the plan says what comes to its second input', () => {
  const graph = graphOf((env) => {
    env.setParallelism(1);
    words(env)
      .connect(numbers(env))
      .map({ map1: (text) => text, map2: (value) => `${value}` })
      .map((text) => text)
      .sinkTo(nothing());
  });
  assert.equal(
    graph.vertices.map(({ name }) => name),
    ['Source: collection', 'Source: collection', 'Co-Map -> Map -> Sink: nothing'],
  );
  assert.match(planPicture(graph), '   │ [1] FORWARD\n   │ [2] FORWARD (input 2)\n   ▼\n');
});

test('which stream is first counts in the fingerprint', () => {
  const fingerprintOf = (isSwapped: boolean): string =>
    graphOf((env) => {
      const [a, b] = [env.fromCollection([1]), env.fromCollection([2])];
      const functions = { map1: (value: number) => value, map2: (value: number) => value };
      (isSwapped ? b.connect(a) : a.connect(b)).map(functions).sinkTo(nothing());
    }).fingerprint;
  assert.is.not(fingerprintOf(false), fingerprintOf(true));
});

test('uses() says what travels on either side, and the functions get no more, with keys and without', async () => {
  const seen = new Committed<string>();
  const fieldsIn = (...records: readonly object[]): string => records.map((record) => Object.keys(record).join()).join(';');
  const builder: JobBuilder = (env) => {
    env.setParallelism(2);
    const persons = env.fromCollection(people).map((person) => ({ ...person, city: 'x', age: 1 }));
    const items = env.fromCollection(auctions).map((auction) => ({ ...auction, price: 2, note: 'y' }));
    const both = persons.connect(items);
    const plain = both.uses(['city', 'age'], ['price']).map({ map1: (value) => fieldsIn(value), map2: (value) => fieldsIn(value) });
    const functions = { processElement1: (value: object) => [fieldsIn(value)], processElement2: (value: object) => [fieldsIn(value)] };
    const keyed = both.keyBy('id', 'seller').uses(['age'], ['note']).process<string>(functions);
    const before = both.uses(['id', 'age'], ['seller']).keyBy('id', 'seller').process<string>(functions);
    plain.union(keyed, before).sinkTo(seen.sink);
  };
  await runGraph(builder);
  assert.equal([...new Set(seen.values())].sort(), ['city,age', 'id,age', 'price', 'seller', 'seller,note']);
  const { edges } = graphOf(builder);
  assert.equal(
    edges.map(({ fields }) => fields?.join()).filter((fields) => fields !== undefined),
    ['city,age', 'price', 'id,age', 'seller,note', 'id,age', 'seller'],
  );
});

test('mistakes that types cannot hold back are refused while the job is built', () => {
  const both = (env: StreamExecutionEnvironment) => words(env).connect(numbers(env));
  refused((env) => words(env).connect(undefined as never), 'STREAM_MISSING', /connect got undefined/);
  refused(
    (env) =>
      words(env)
        .keyBy((text) => text)
        .connect(null as never),
    'STREAM_MISSING',
    /connect got null/,
  );
  refused(
    (env) => both(env).map({ map1: (text: string) => text } as never),
    'FUNCTION_MISSING',
    /co-map map2 got undefined.*map1 and map2/,
  );
  refused((env) => both(env).map(undefined as never), 'FUNCTION_MISSING', /co-map got undefined/);
  refused(
    (env) => both(env).flatMap({ flatMap1: () => [], flatMap2: async () => [] } as never),
    'FUNCTION_ASYNC',
    /co-flat-map flatMap2 got an async function/,
  );
  const met = (env: StreamExecutionEnvironment) => env.fromCollection(people).connect(env.fromCollection(auctions));
  refused((env) => met(env).uses([] as never, ['item']), 'FIELDS_EMPTY', /No field/);
  refused(
    (env) =>
      met(env)
        .keyBy(({ id }) => id, 'seller')
        .uses(['name'], ['item']),
    'KEY_FIELDS_UNKNOWN',
    /keyBy/,
  );
  refused((env) => both(env).process({ processElement1: () => [] } as never), 'FUNCTION_MISSING', /co-process processElement2/);
  refused((env) => both(env).keyBy('length' as never, undefined as never), 'FUNCTION_MISSING', /keyBy got undefined/);
  let foreign: DataStream<number> | undefined;
  defineJob('other', (env) => {
    foreign = numbers(env);
    foreign.sinkTo(nothing());
  }).build({});
  refused(
    (env) =>
      words(env)
        .connect(foreign as DataStream<number>)
        .map({ map1: (text) => text, map2: (value) => `${value}` })
        .sinkTo(nothing()),
    'STREAM_FOREIGN',
    /"Co-Map" reads a stream of another job/,
  );
});

test.run();
