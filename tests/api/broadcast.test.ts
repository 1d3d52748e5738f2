/** Jobs that go by what is broadcast, at any parallelism, whatever is killed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planPicture } from '../../graph/plan-picture.js';
import { defineJob, mapStateDescriptor, maxWatermark, type JobBuilder, type StreamExecutionEnvironment } from '../../index.js';
import { refused } from '../support/refused.js';
import { Committed, runGraph, runInTurn, slowSource } from '../support/run-graph.js';
import { nothing } from '../support/sinks.js';
import { graphOf } from '../support/word-count.js';

const test = suite('jobs with broadcast state');

interface Airport {
  readonly code: string;
  readonly name: string;
}

const names = mapStateDescriptor<string, string>('names');
const airports: readonly Airport[] = Array.from({ length: 40 }, (_, n) => ({ code: `A${n}`, name: `airport ${n}` }));
const flights: readonly string[] = Array.from({ length: 300 }, (_, n) => `A${(n * 13) % 45}`);

/** What comes too early for its name waits in the state of its key; the end tells what never got one. */
const naming =
  (parallelism: number, out: Committed<string>): JobBuilder =>
  (env) => {
    env.setParallelism(parallelism);
    env
      .fromSource(slowSource(flights, 1))
      .keyBy((code) => code)
      .connect(
        env
          .fromSource(slowSource(airports, 1))
          .rebalance()
          .map((airport) => airport)
          .broadcast(names),
      )
      .process<string>((runtime) => {
        const waiting = runtime.valueState<number>('waiting');
        const lines = (name: string | undefined, count: number): string[] => Array.from({ length: count }, () => name ?? 'nameless');
        return {
          processElement(code, context) {
            const name = context.broadcastState(names).get(code);
            if (name !== undefined) return [name];
            waiting.update((waiting.value() ?? 0) + 1);
            context.time.registerEventTimeTimer(maxWatermark);
            return [];
          },
          processBroadcastElement({ code, name }, context, { collect }) {
            context.broadcastState(names).put(code, name);
            context.applyToKeyedState(waiting, (key, state) => {
              if (key !== code) return;
              for (const line of lines(name, state.value() ?? 0)) collect(line);
              state.clear();
            });
          },
          onTimer: () => lines(undefined, waiting.value() ?? 0),
        };
      })
      .sinkTo(out.sink);
  };

const named = flights.map((code) => airports.find((airport) => airport.code === code)?.name ?? 'nameless').sort();

for (const parallelism of [1, 2, 4]) {
  test(`every record gets what was broadcast for it, exactly once under failures, at parallelism ${parallelism} (BF1, BF3)`, async () => {
    let kills = 0;
    for (let seed = 1; seed <= 5; seed += 1) {
      const out = new Committed<string>();
      kills += await runGraph(naming(parallelism, out), { seed, killsMax: 3 });
      assert.equal(out.lines(), named, `seed ${seed}`);
    }
    assert.ok(kills > 0, 'nothing was killed');
  });
}

test('with another parallelism every subtask goes on with a copy of the broadcast state (BF3)', async () => {
  for (const parallelisms of [
    [2, 4],
    [4, 1, 3],
  ]) {
    for (let seed = 1; seed <= 3; seed += 1) {
      const out = new Committed<string>();
      await runInTurn(
        parallelisms.map((parallelism) => naming(parallelism, out)),
        seed,
      );
      assert.equal(out.lines(), named, `${parallelisms.join()}, seed ${seed}`);
    }
  }
});

test('the plan broadcasts the second input, beside a keyed first one or any other', () => {
  const graph = graphOf((env) => {
    env.setParallelism(2);
    const rules = env.fromCollection(airports).broadcast(names);
    const functions = { processElement: () => [], processBroadcastElement: () => [] };
    env
      .fromCollection(flights)
      .keyBy((code) => code)
      .connect(rules)
      .process<string>(functions)
      .sinkTo(nothing());
    env.fromCollection(flights).connect(rules).process<string>(functions).sinkTo(nothing());
  });
  const picture = planPicture(graph);
  assert.match(picture, /│ \[\d\] HASH\n {3}│ \[\d\] BROADCAST \(input 2\)\n/);
  assert.match(picture, /│ \[\d\] (?:FORWARD|REBALANCE)\n {3}│ \[\d\] BROADCAST \(input 2\)\n/);
});

test('mistakes that types cannot hold back are refused while the job is built', () => {
  const broadcast = (env: StreamExecutionEnvironment) => env.fromCollection(airports).broadcast(names);
  refused((env) => env.fromData(1).broadcast('names' as never), 'STATE_DESCRIPTOR_MISSING', /got string instead/);
  refused((env) => env.fromData(1).broadcast(undefined as never), 'STATE_DESCRIPTOR_MISSING', /got undefined instead/);
  refused((env) => env.fromData(1).broadcast(names, mapStateDescriptor('names')), 'STATE_NAME_DUPLICATE', /"names" is declared twice/);
  refused(
    (env) =>
      env
        .fromData(1)
        .connect(broadcast(env))
        .process({ processElement: () => [] } as never),
    'FUNCTION_MISSING',
    /broadcast-process processBroadcastElement got undefined/,
  );
  refused(
    (env) =>
      env
        .fromData('a')
        .keyBy((text) => text)
        .connect(broadcast(env))
        .process({ processElement: async () => [], processBroadcastElement: () => [] } as never),
    'FUNCTION_ASYNC',
    /keyed-broadcast-process processElement/,
  );
  assert.throws(() => mapStateDescriptor(''), /The name of a broadcast state is empty/);
  assert.ok(defineJob('fine', (env) => void env.fromData(1).connect(broadcast(env))));
});

test.run();
