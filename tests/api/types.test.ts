/** Types flow from source to sink: right programs compile here; wrong ones, one by one, must not. */
import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planJob } from '../../graph/job-plan.js';
import {
  AsyncDataStream,
  defineJob,
  mapStateDescriptor,
  outputTag,
  type Collector,
  type DataStream,
  type FieldOf,
  type Key,
  type KeyedConnectedStreams,
  type KeyedStream,
  type Sink,
  type SingleOutputStream,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';

boundTests({ testMs: 60_000, fileMs: 90_000 });
const test = suite('types of the api');

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
/** Compiles only when the stream has exactly this record type. */
function isStreamOf<T>() {
  return <S>(_stream: DataStream<S>, ..._same: Same<S, T> extends true ? [] : [never]): void => undefined;
}

interface Flight {
  readonly origin: string;
  readonly delay: number;
  readonly when: Date;
}
type Shape = { readonly kind: 'circle'; readonly radius: number } | { readonly kind: 'square'; readonly side: number };

declare function sinkOf<T>(): Sink<T>;

test('types flow through every operator without a cast (DS1)', () => {
  const job = defineJob('types', (env) => {
    const flights = env.fromCollection<Flight>([{ origin: 'SEA', delay: 3, when: new Date(0) }]);
    isStreamOf<Flight>()(flights);
    isStreamOf<string>()(flights.map((flight) => flight.origin));
    // oxlint-disable-next-line unicorn/no-thenable -- a field of that name is no promise
    isStreamOf<{ then: number }>()(flights.map((flight) => ({ then: flight.delay })));
    // oxlint-disable-next-line typescript/no-explicit-any -- a stream of anything stays possible
    isStreamOf<any>()(flights.map((flight): any => flight));
    isStreamOf<unknown>()(flights.map((flight): unknown => flight));
    isStreamOf<number>()(env.fromSequence(1, 3).filter((value) => value > 1));
    isStreamOf<number>()(flights.flatMap((flight) => [flight.delay]));
    isStreamOf<string>()(
      flights.flatMap(function* (flight) {
        yield flight.origin;
      }),
    );
    isStreamOf<string>()(flights.map({ map: (flight) => flight.origin }));
    isStreamOf<Flight>()(flights.filter({ filter: (flight) => flight.delay > 0 }));
    isStreamOf<number>()(flights.flatMap({ open: ({ metrics }) => void metrics.counter('n'), flatMap: (flight) => [flight.delay] }));
    isStreamOf<string>()(flights.uses('origin').map({ map: ({ origin }) => origin }));
    isStreamOf<string>()(AsyncDataStream.orderedWait(flights, async (flight) => flight.origin, { timeout: '1 s' }));
    isStreamOf<number>()(AsyncDataStream.unorderedWait(flights, async (flight) => [flight.delay], { timeout: '1 s' }));
    isStreamOf<string>()(AsyncDataStream.orderedWait(flights, { asyncInvoke: async (flight) => flight.origin }, { timeout: '1 s' }));
    isStreamOf<boolean>()(flights.flatMap<boolean>((flight, out) => out.collect(flight.delay > 0)));

    const shapes: DataStream<Shape> = env.fromData<Shape>({ kind: 'circle', radius: 1 });
    isStreamOf<{ readonly kind: 'circle'; readonly radius: number }>()(shapes.filter((shape) => shape.kind === 'circle'));

    const byOrigin: KeyedStream<string, Flight> = flights.keyBy((flight) => flight.origin);
    isStreamOf<Flight>()(byOrigin.sum('delay'));
    isStreamOf<Flight>()(byOrigin.max('when'));
    isStreamOf<Flight>()(byOrigin.reduce((left, right) => (left.delay > right.delay ? left : right)));

    const late = outputTag<Flight>('late');
    const counted = byOrigin.process((runtime) => {
      const count = runtime.valueState<number>('count');
      return {
        *processElement(flight, context) {
          const origin: string = context.currentKey();
          const next = (count.value() ?? 0) + 1;
          count.update(next);
          if (flight.delay > 60) context.output(late, flight);
          else yield { origin, next };
        },
      };
    });
    isStreamOf<{ origin: string; next: number }>()(counted);
    isStreamOf<Flight>()(counted.getSideOutput(late));

    isStreamOf<Pick<Flight, 'origin' | 'delay'>>()(flights.select('origin', 'delay'));
    isStreamOf<Flight>()(flights.keyBy('origin').sum('delay'));
    const keysOf = <K extends Key, T, F extends FieldOf<T>>(_stream: KeyedStream<K, T, F>) =>
      ({}) as { readonly key: K; readonly fields: F };
    const one = keysOf(flights.keyBy('origin'));
    const isOne: Same<typeof one, { readonly key: string; readonly fields: 'origin' }> = true;
    const two = keysOf(flights.keyBy('delay', 'origin'));
    const isTwo: Same<typeof two, { readonly key: readonly [number, string]; readonly fields: 'delay' | 'origin' }> = true;
    const declared = keysOf(flights.uses('origin').keyBy(({ origin }) => origin.length));
    const isDeclared: Same<typeof declared, { readonly key: number; readonly fields: 'origin' }> = true;
    assert.ok(isOne && isTwo && isDeclared);
    isStreamOf<number>()(flights.uses('delay').map(({ delay }) => delay));
    isStreamOf<Pick<Flight, 'delay' | 'when'>>()(flights.uses('delay', 'when').map((flight) => flight));
    isStreamOf<Flight>()(flights.uses('delay').filter(({ delay }) => delay > 0));
    isStreamOf<string>()(flights.uses('origin').flatMap(({ origin }) => origin.split('')));
    isStreamOf<Date>()(flights.uses('when').process<Date>({ processElement: ({ when }, _, out) => out.collect(when) }));
    isStreamOf<Pick<Flight, 'origin' | 'delay'>>()(
      flights
        .keyBy('origin')
        .uses('delay')
        .reduce((left, right) => (left.delay > right.delay ? left : right)),
    );
    isStreamOf<[string, number]>()(
      flights
        .keyBy('origin')
        .uses('delay')
        .process<[string, number]>({
          processElement: ({ origin, delay }, context, out) => out.collect([origin + context.currentKey(), delay]),
        }),
    );
    void env
      // oxlint-disable-next-line typescript/no-explicit-any -- a stream of anything stays possible
      .fromData<any>({ a: 1 })
      .keyBy('a')
      .uses('b')
      .reduce((left) => left);

    const pair = flights.keyBy((flight) => [flight.origin, flight.delay]);
    isStreamOf<string>()(
      pair.process({
        processElement: (_flight, context): string[] => {
          const [origin, delay]: readonly [string, number] = context.currentKey();
          return [`${origin} ${delay.toFixed(1)}`];
        },
      }),
    );

    const set: SingleOutputStream<number> = env
      .fromSequence(1, 2)
      .map((value) => value)
      .name('same')
      .setParallelism(1);
    isStreamOf<number>()(set.union(env.fromSequence(3, 4)).filter((value) => value > 1));
    const kinds = flights.map(({ origin }): 'x' | 'y' => (origin === 'SEA' ? 'x' : 'y'));
    const numbers = env.fromSequence(1, 2);
    isStreamOf<string | number>()(flights.connect(numbers).map({ map1: ({ origin }) => origin, map2: (value) => value + 1 }));
    isStreamOf<string>()(flights.connect(numbers).flatMap({ flatMap1: ({ origin }) => [origin], flatMap2: (value) => [`${value}`] }));
    isStreamOf<{ readonly kind: 'x' | 'y' }>()(
      kinds.connect(flights).process<{ readonly kind: 'x' | 'y' }>({
        processElement1: (kind, _context, out) => out.collect({ kind }),
        processElement2: () => undefined,
        finish: () => [{ kind: 'x' }],
      }),
    );
    const connected: KeyedConnectedStreams<number, Flight, number> = flights.connect(numbers).keyBy('delay', (value) => value);
    isStreamOf<[number, string]>()(
      connected.process((runtime) => {
        const last = runtime.valueState<Flight>('last');
        return {
          processElement1: (flight) => last.update(flight),
          processElement2: (value, context, out: Collector<[number, string]>) => {
            context.time.registerEventTimeTimer(value);
            out.collect([context.currentKey() + value, last.value()?.origin ?? '']);
          },
        };
      }),
    );
    isStreamOf<string>()(
      flights
        .keyBy('origin')
        .connect(kinds.keyBy((kind) => kind))
        .process<string>({ processElement1: ({ origin }) => [origin], processElement2: (_kind, context) => [context.currentKey()] }),
    );
    isStreamOf<boolean>()(
      flights
        .keyBy('origin', 'delay')
        .connect(flights.keyBy((flight) => [flight.origin, flight.delay]))
        .process<boolean>({ processElement1: () => [true], processElement2: (_flight, context) => [context.currentKey()[1] > 1] }),
    );
    isStreamOf<[string, number]>()(
      flights
        .keyBy('origin')
        .intervalJoin(numbers.keyBy((value) => `${value}`))
        .between('-5 s', '10 s')
        .lowerBoundExclusive()
        .upperBoundExclusive()
        .sideOutputLeftLateData(outputTag<Flight>('late'))
        .sideOutputRightLateData(outputTag<number>('late too'))
        .process<[string, number]>({ processElement: ({ delay }, value, { currentKey }) => [[currentKey(), delay + value]] }),
    );
    const limits = mapStateDescriptor<string, number>('limits');
    isStreamOf<Flight>()(
      flights.connect(kinds.broadcast(limits)).process<Flight>({
        processElement: (flight, context) => (flight.delay > (context.broadcastState(limits).get(flight.origin) ?? 0) ? [flight] : []),
        processBroadcastElement: (kind, context) => context.broadcastState(limits).put(kind, 1),
      }),
    );
    isStreamOf<string>()(
      flights
        .keyBy('origin')
        .connect(kinds.broadcast(limits))
        .process((runtime) => {
          const last = runtime.valueState<Flight>('last');
          return {
            processElement: ({ origin }, context) => [`${origin} ${context.currentKey()} ${context.broadcastState(limits).has(origin)}`],
            processBroadcastElement: (_kind, context) => context.applyToKeyedState(last, (_key: string, state) => state.clear()),
          };
        }),
    );
    isStreamOf<Flight>()(flights.broadcast());

    // Without a key on one side there is none on the other.
    isStreamOf<string>()(
      flights
        .keyBy('origin')
        .connect(numbers)
        .map({ map1: ({ origin }) => origin, map2: (value) => `${value}` }),
    );

    const anySink: Sink<unknown> = { name: 'any', data: null, createWriter: () => ({ bind: () => () => undefined }) };
    flights.sinkTo(anySink);
    counted.sinkTo(anySink);
    void (() => flights.sinkTo(sinkOf<{ readonly origin: string }>()));
  });
  assert.ok(planJob(job.build({})).jobGraph.vertices.length > 0);
});

const root = new URL('../../../', import.meta.url).pathname;

/** Each case is a program of its own; its first line names the part of the compiler's message that must come. */
function wrongPrograms(): readonly { readonly name: string; readonly code: string; readonly message: string }[] {
  const directory = join(root, 'tests/api/wrong-programs');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.ts.txt'))
    .sort()
    .map((name) => {
      const code = readFileSync(join(directory, name), 'utf8');
      return {
        name: name.replace('.txt', ''),
        code,
        message: /^\/\/ (.+)$/m.exec(code)?.[1] ?? (assert.unreachable(`${name} names no message`) as never),
      };
    });
}

test('wrong programs do not compile, each for its own reason', () => {
  const cases = wrongPrograms();
  assert.ok(cases.length >= 10);
  const directory = mkdtempSync(join(root, 'node_modules/.wrong-programs-'));
  try {
    for (const { name, code } of cases) writeFileSync(join(directory, name), code);
    writeFileSync(
      join(directory, 'right.ts'),
      "import { defineJob } from 'millrace';\nexport default defineJob('right', (env) => void env.fromData(1).map((value) => value + 1));\n",
    );
    const compiler = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: true,
        incremental: false,
        tsBuildInfoFile: null,
        rootDir: root,
        paths: { millrace: [join(root, 'dist/index.d.ts')] },
      },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(compiler));
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', directory, '--pretty', 'false'], {
      cwd: directory,
      encoding: 'utf8',
    });
    const errorsIn = (name: string): readonly string[] => stdout.split(/\r?\n(?=\S)/).filter((line) => line.startsWith(`${name}(`));
    assert.equal(errorsIn('right.ts'), [], 'a right program compiles');
    for (const { name, message } of cases) {
      const errors = errorsIn(name);
      assert.ok(errors.length > 0, `${name} compiles`);
      assert.ok(
        errors.every((error) => !/TS2307|TS6/.test(error)),
        `${name} fails for a reason of its own: ${errors.join('\n')}`,
      );
      assert.ok(
        errors.some((error) => error.includes(message)),
        `${name} says "${message}":\n${errors.join('\n')}`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
