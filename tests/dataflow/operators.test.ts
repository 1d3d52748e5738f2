import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkpointId } from '../../core/ids.js';
import { keyHashOf, type Key } from '../../core/keys.js';
import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../../dataflow/contracts.js';
import { outputTag, type KeyedProcessContext, type OnTimerContext } from '../../dataflow/functions.js';
import { collectOperator } from '../../dataflow/operators/collect.js';
import { filterOperator } from '../../dataflow/operators/filter.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { keyedReduceOperator } from '../../dataflow/operators/keyed-reduce.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import { printOperator } from '../../dataflow/operators/print.js';
import { processOperator } from '../../dataflow/operators/process.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { present } from '../support/present.js';

const test = suite('operators');

type Result = readonly [value: unknown, timestamp: number];

/** A chain whose last output has room for so many results, until it is given more. */
class Chain {
  readonly results: Result[] = [];
  readonly bench = new OperatorBench({ files: new MemoryFileSystem() });
  readonly keyed = new HeapKeyedStateBackend({
    keyGroups: { start: 0, end: 127 },
    maxParallelism: 128,
    operatorName: 'counter',
    isStrict: true,
  });
  room = Infinity;
  readonly #parked: { readonly index: number; readonly resume: () => boolean }[] = [];
  readonly #operators: readonly Operator[];
  #input: Emit<unknown>;

  constructor(...operators: readonly Operator[]) {
    this.#operators = operators;
    let next: Emit<unknown> = (value, timestamp) => {
      this.room -= 1;
      this.results.push([value, timestamp]);
    };
    for (let index = operators.length - 1; index >= 0; index -= 1)
      next = present(operators[index]).bind(next, this.#contextOf(index)) as Emit<unknown>;
    this.#input = next;
    for (let index = operators.length - 1; index >= 0; index -= 1) void present(operators[index]).open?.(this.#contextOf(index));
  }

  push(value: unknown, timestamp = noTimestamp): void {
    this.#input(value, timestamp);
  }

  /** Room for `count` more results; resumes what is parked, furthest down first. */
  giveRoom(count: number): void {
    this.room = count;
    while (this.#parked.length > 0 && this.room > 0) {
      this.#parked.sort((left, right) => left.index - right.index);
      const work = present(this.#parked.pop());
      if (!work.resume()) this.#parked.push(work);
    }
  }

  get isParked(): boolean {
    return this.#parked.length > 0;
  }

  values(): readonly unknown[] {
    return this.results.map(([value]) => value);
  }

  fireTimers(domain: 'event' | 'processing', time: number): void {
    for (let timer = this.keyed.pollTimer(domain, time); timer !== undefined; timer = this.keyed.pollTimer(domain, time)) {
      this.#operators[0]?.onTimer?.(time, domain, timer.namespace);
    }
  }

  finish(): void {
    for (const operator of this.#operators) operator.finish?.();
  }

  close(): void {
    for (const operator of this.#operators) void operator.close?.();
  }

  #contextOf(index: number): OperatorContext {
    return {
      ...this.bench.context,
      operatorName: ['counter', 'second', 'third'][index] as string,
      keyed: keyedOperators.has(present(this.#operators[index])) ? this.keyed : undefined,
      isOutputAvailable: () => this.room > 0 && this.#parked.every((work) => work.index <= index),
      park: (resume) => void this.#parked.push({ index, resume }),
    };
  }
}

const asOperator = (operator: unknown): Operator => operator as Operator;
/** Those that get keyed state. */
const keyedOperators = new WeakSet<Operator>();
const asKeyed = (operator: unknown): Operator => {
  keyedOperators.add(operator as Operator);
  return operator as Operator;
};
const keyOf = (value: string): string => value[0] as string;

test('map and filter keep timestamps', () => {
  const chain = new Chain(asOperator(mapOperator((value: number) => value * 2)), asOperator(filterOperator((value: number) => value > 2)));
  for (const value of [1, 2, 3]) chain.push(value, value * 100);
  assert.equal(chain.results, [
    [4, 200],
    [6, 300],
  ]);
});

test('a function may return what collect returns: collect returns nothing, whatever the next operator does', () => {
  const context = { isOutputAvailable: () => true } as unknown as OperatorContext;
  const received: unknown[] = [];
  const talkative: Emit<unknown> = (value) => received.push(value);
  const forward = flatMapOperator<number, number>((value, out) => out.collect(value)).bind(talkative, context);
  forward(1, noTimestamp);
  forward(2, noTimestamp);
  assert.equal(received, [1, 2]);
});

test('flatMap takes what is collected and what is returned', () => {
  const words = flatMapOperator<string, string>((line, out) => {
    out.collect(`<${line}>`);
    return line.split(' ');
  });
  const chain = new Chain(asOperator(words));
  chain.push('a b', 5);
  chain.push('c', 6);
  assert.equal(chain.results, [
    ['<a b>', 5],
    ['a', 5],
    ['b', 5],
    ['<c>', 6],
    ['c', 6],
  ]);
});

function* count(from: number, to: number): Generator<number> {
  for (let value = from; value <= to; value += 1) yield value;
}

test('an iterable is pulled only while there is room, and goes on where it was (RP2)', () => {
  let pulled = 0;
  const chain = new Chain(
    asOperator(
      flatMapOperator(function* () {
        for (const value of count(1, 1_000_000)) {
          pulled += 1;
          yield value;
        }
      }),
    ),
  );
  chain.room = 3;
  chain.push('go', 7);
  assert.is(pulled, 3);
  assert.ok(chain.isParked);
  chain.giveRoom(2);
  assert.is(pulled, 5);
  assert.equal(chain.results.at(-1), [5, 7]);
  chain.close();
});

test('records that come while something is parked wait behind it (RP1)', () => {
  const burst = flatMapOperator<number, number>((value, out) => {
    for (const item of count(1, 3)) out.collect(value * 10 + item);
  });
  const twice = flatMapOperator<number, string>((value, out) => {
    out.collect(`${value}c`);
    return [`${value}a`, `${value}b`];
  });
  const chain = new Chain(asOperator(burst), asOperator(twice));
  chain.room = 2;
  chain.push(1, 1);
  while (chain.isParked) chain.giveRoom(1);
  assert.equal(chain.values(), ['11c', '11a', '11b', '12c', '12a', '12b', '13c', '13a', '13b']);
});

test('two operators that park keep the order, whatever the room (RP1)', () => {
  for (const room of [1, 2, 3, 5, 100]) {
    const chain = new Chain(
      asOperator(flatMapOperator((value: number) => count(1, value))),
      asOperator(flatMapOperator((value: number) => count(1, value))),
      asOperator(mapOperator((value: number) => value)),
    );
    chain.room = room;
    for (const value of [3, 2]) {
      chain.push(value);
      while (chain.isParked) chain.giveRoom(room);
    }
    assert.equal(chain.values(), [1, 1, 2, 1, 2, 3, 1, 1, 2], `room for ${room}`);
  }
});

test('a burst in front of a full output is bounded', () => {
  const chain = new Chain(
    asOperator(
      flatMapOperator<string, string>((value, out) => {
        for (let index = 0; index < 100; index += 1) out.collect(value.repeat(100_000));
      }),
    ),
    asOperator(flatMapOperator((value: string) => [value])),
  );
  chain.room = 0;
  assert.throws(
    () => chain.push('x'),
    (error: { code: string; where: string }) => error.code === 'OUTPUT_OVERDRAFT' && error.where === 'second',
  );
});

test('a parked generator is told when the task ends (RP3)', () => {
  let isEnded = false;
  const chain = new Chain(
    asOperator(
      flatMapOperator(function* () {
        try {
          yield* count(1, 10);
        } finally {
          isEnded = true;
        }
      }),
    ),
  );
  chain.room = 1;
  chain.push('go');
  assert.not(isEnded);
  chain.close();
  assert.ok(isEnded);
});

test('what a function throws names its operator, also when it throws later (RP4)', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const failing: readonly (() => Operator)[] = [
    () => asOperator(mapOperator(boom)),
    () => asOperator(filterOperator(boom)),
    () => asOperator(flatMapOperator(boom)),
    () =>
      asOperator(
        flatMapOperator(function* () {
          yield boom();
        }),
      ),
    () => asOperator(processOperator({ processElement: boom })),
    () => asKeyed(keyedProcessOperator(keyOf, { processElement: boom })),
    () => asKeyed(keyedProcessOperator(boom, { processElement: () => undefined })),
    () => asKeyed(keyedReduceOperator(keyOf as (value: unknown) => Key, boom)),
  ];
  for (const [index, make] of failing.entries()) {
    const chain = new Chain(asOperator(mapOperator((value) => value)), make());
    assert.throws(
      () => {
        chain.push('a');
        chain.push('a');
      },
      (error: { code: string; where: string; message: string }) =>
        error.code === 'USER_FUNCTION_FAILED' && error.where === 'second' && /boom/.test(error.message),
      `case ${index}`,
    );
  }
});

test('a promise or a number where results belong is refused with what to do', () => {
  for (const wrong of [Promise.resolve([1]), 7]) {
    const chain = new Chain(asOperator(flatMapOperator(() => wrong as unknown as number[])));
    assert.throws(
      () => chain.push(1),
      (error: { code: string }) => error.code === (typeof wrong === 'number' ? 'RESULT_NOT_ITERABLE' : 'FUNCTION_ASYNC'),
    );
  }
});

test('process knows timestamps, side outputs and the end', () => {
  const odd = outputTag<number>('odd');
  const chain = new Chain(
    asOperator(
      processOperator<number, string>((runtime) => {
        let seen = 0;
        return {
          processElement(value, context, out) {
            seen += 1;
            if (value % 2 === 1) context.output(odd, value);
            else out.collect(`${value} at ${context.timestamp()}`);
          },
          *finish() {
            yield `${runtime.operatorName} saw ${seen}`;
          },
        };
      }),
    ),
  );
  chain.push(1, 10);
  chain.push(2, 20);
  chain.push(4);
  chain.finish();
  assert.equal(chain.results, [
    ['2 at 20', 20],
    ['4 at undefined', noTimestamp],
    ['counter saw 3', noTimestamp],
  ]);
  assert.equal(chain.bench.sideOutputs.get('odd'), [1]);
});

test('reduce folds by key and hands on every step', () => {
  const chain = new Chain(
    asKeyed(
      keyedReduceOperator(
        (value: string) => value[0] as string,
        (left, right) => left + right,
      ),
    ),
  );
  for (const value of ['a1', 'b1', 'a2', 'a3']) chain.push(value, 3);
  assert.equal(chain.values(), ['a1', 'b1', 'a1a2', 'a1a2a3']);
});

test('a keyed process function has state, timers and side outputs of its key', () => {
  const late = outputTag<string>('late');
  const fired: unknown[] = [];
  const chain = new Chain(
    asKeyed(
      keyedProcessOperator<string, string, string>(keyOf, (runtime) => {
        const counts = runtime.valueState<number>('count');
        const seen = runtime.listState<string>('seen');
        const lengths = runtime.mapState<number, number>('lengths');
        return {
          processElement(value, context: KeyedProcessContext<string>, out) {
            counts.update((counts.value() ?? 0) + 1);
            seen.add(value);
            lengths.put(value.length, (lengths.get(value.length) ?? 0) + 1);
            context.time.registerEventTimeTimer(100);
            context.time.registerEventTimeTimer(100);
            if (value.endsWith('!')) context.output(late, value);
            else out.collect(`${context.currentKey()}${counts.value()}`);
          },
          *onTimer(time, context: OnTimerContext<string>) {
            fired.push([context.currentKey(), time, context.domain]);
            yield `${context.currentKey()} saw ${seen.get().join()} of ${[...lengths.keys()].join()}`;
          },
        };
      }),
    ),
  );
  for (const value of ['a', 'b', 'ab', 'a!']) chain.push(value, 50);
  chain.fireTimers('event', 100);
  assert.equal(chain.results.slice(0, 3), [
    ['a1', 50],
    ['b1', 50],
    ['a2', 50],
  ]);
  assert.equal(fired.length, 2, 'one timer a key');
  assert.equal(
    chain.results.slice(3).sort(([left], [right]) => (String(left) < String(right) ? -1 : 1)),
    [
      ['a saw a,ab,a! of 1,2', 100],
      ['b saw b of 1', 100],
    ],
  );
  assert.equal(chain.bench.sideOutputs.get('late'), ['a!']);
});

test('print shows records with label and subtask, whatever they are', () => {
  const lines = (label: string | undefined, ...values: readonly unknown[]): readonly string[] => {
    const chain = new Chain(asOperator(printOperator(label)));
    for (const value of values) chain.push(value);
    return chain.bench.printed;
  };
  const odd = { n: 1n, map: new Map([['a', 1]]), set: new Set([1]) };
  assert.equal(lines(undefined, 'text', { a: 1 }, odd, undefined), ['text', '{"a":1}', '{"n":"1n","map":{"a":1},"set":[1]}', 'undefined']);
  assert.equal(lines('late', 7), ['late> 7']);
  const bench = new OperatorBench({ files: new MemoryFileSystem(), subtaskIndex: 2, parallelism: 4 });
  printOperator('late').bind(() => undefined, bench.context)(7, noTimestamp);
  assert.equal(bench.printed, ['late:3> 7']);
});

test('collect reports each record once, also across a restore, and not what changes later', () => {
  const run = (restored: readonly unknown[] | undefined, values: readonly unknown[]) => {
    const bench = new OperatorBench({ files: new MemoryFileSystem(), ...(restored === undefined ? {} : { restored }) });
    const operator = collectOperator('out');
    const emit = operator.bind(() => undefined, bench.context);
    void operator.open?.(bench.context);
    for (const value of values) emit(value, noTimestamp);
    return { bench, operator };
  };
  const record = { a: 1 };
  const first = run(undefined, [record, 'b']);
  record.a = 2;
  const snapshot = first.operator.snapshot?.({ checkpointId: checkpointId(1) });
  assert.equal(snapshot, [{ a: 1 }, 'b']);
  const second = run([snapshot], ['c']);
  second.operator.finish?.();
  assert.equal(second.bench.results.get('out'), [{ a: 1 }, 'b', 'c']);
  assert.equal(run([snapshot], []).bench.results.get('out'), [{ a: 1 }, 'b'], 'a task restored after its end reports too');
});

test('collecting too much fails with what to do', () => {
  const chain = new Chain(asOperator(collectOperator('out')));
  assert.throws(
    () => {
      for (let index = 0; index < 100; index += 1) chain.push('x'.repeat(10_000));
    },
    (error: { code: string; hint: string }) => error.code === 'COLLECTED_TOO_MUCH' && /Use a sink/.test(error.hint),
  );
});

test('a parked generator goes on under its own key (RP2)', () => {
  const chain = new Chain(
    asKeyed(
      keyedProcessOperator<string, string, string>(keyOf, (runtime) => {
        const counts = runtime.valueState<number>('count');
        return {
          *processElement(_value, context) {
            for (let index = 0; index < 3; index += 1) {
              counts.update((counts.value() ?? 0) + 1);
              yield `${context.currentKey()}${counts.value()} ${context.timestamp()}`;
            }
          },
        };
      }),
    ),
  );
  chain.room = 1;
  chain.push('a', 1);
  chain.push('b', 2);
  chain.keyed.setCurrentKey('z', keyHashOf('z'));
  while (chain.isParked) {
    chain.giveRoom(1);
    chain.keyed.setCurrentKey('z', keyHashOf('z'));
  }
  assert.equal(chain.values(), ['a1 1', 'a2 1', 'a3 1', 'b1 2', 'b2 2', 'b3 2']);
});

test.run();
