/** What cannot be sent, what must not be read, and what must not be run. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import { deepStrictEqual } from 'node:assert';
import * as assert from 'uvu/assert';
import type { ChannelId } from '../../core/ids.js';
import { MillraceError } from '../../core/errors.js';
import type { FrameCodec } from '../../dataflow/channels/frame-codec.js';
import { ByteSink } from '../../dataflow/columnar/byte-sink.js';
import { planColumns } from '../../dataflow/columnar/column-plan.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { makersSource } from '../../dataflow/columnar/decoder-generation.js';
import { encoderSource } from '../../dataflow/columnar/encoder-generation.js';
import { FrameBudget, valuesMax } from '../../dataflow/columnar/frame-budget.js';
import { codecVersion } from '../../dataflow/columnar/frame-layout.js';
import { ItemReader } from '../../dataflow/columnar/item-reader.js';
import { ShapeDecoders } from '../../dataflow/columnar/shape-decoders.js';
import { describeShape } from '../../dataflow/columnar/shape-descriptor.js';
import { shapeOf } from '../../dataflow/columnar/shape-learning.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { registerRecordClass } from '../../dataflow/records/record-classes.js';
import { fuzzFrames } from '../../scripts/fuzz/frame-fuzz.js';
import { copyValue } from '../../storage/state/heap/value-copier.js';

const channelId = 'e~a_0_1_0~b_1_1_0' as ChannelId;
const codec = createColumnarCodec({ samplesMin: 2 });

/** Sends a few records of one kind, so that most of them travel in columns. */
function through(records: readonly unknown[], using: FrameCodec = codec): readonly unknown[] {
  const writer = using.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'enrich' });
  for (const record of records) writer.add(record, noTimestamp);
  const frame = writer.take(0);
  return using.decodeBatch(frame, using.readHeader(frame)?.bodyOffset ?? 0).values;
}

function errorOf(work: () => unknown): MillraceError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
    return error;
  }
  throw new Error('nothing was thrown');
}

class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }
}

const test = suite('columnar faults');

test('what cannot be encoded names the operator and the field, whether the channel knows the shape or not', () => {
  const cycle: Record<string, unknown> = { name: 'c' };
  cycle['self'] = cycle;
  const holes: unknown[] = [1];
  holes[3] = 2;
  const cases: readonly (readonly [content: unknown, path: string, why: RegExp])[] = [
    [() => 1, 'content', /is a function/],
    [Symbol('s'), 'content', /is a symbol/],
    [{ deep: [1, { handler: () => 1 }] }, 'content.deep[1].handler', /is a function/],
    [new Money(5), 'content', /instance of Money, which is not registered/],
    [{ 'odd name': new Money(5) }, 'content["odd name"]', /instance of Money/],
    [holes, 'content', /array with holes/],
    [cycle, 'content.self', /refers to itself/],
    [new Map([['price', new Money(1)]]), 'content.get(price)', /instance of Money/],
    [new (class extends Map {})(), 'content', /which is not registered/],
    [1n << 9_000n, 'content', /bigint of/],
  ];
  for (const usual of [undefined, 7]) {
    for (const [content, path, why] of cases) {
      const writer = codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'enrich' });
      for (let n = 0; n < 5; n += 1) writer.add({ id: n, content: usual ?? 'x' }, noTimestamp);
      const error = errorOf(() => writer.add({ id: 1, content }, noTimestamp));
      assert.is(error.code, 'RECORD_NOT_ENCODABLE');
      assert.is(error.where, 'enrich');
      assert.match(error.message, `its field ${path} `);
      assert.match(error.message, why);
      writer.add({ id: 9, content: usual ?? 'x' }, noTimestamp);
      const frame = writer.take(0);
      const values = codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0).values;
      assert.equal(
        (values as { id: number }[]).map(({ id }) => id),
        [0, 1, 2, 3, 4, 9],
        'the refused record left a trace (CW2)',
      );
    }
  }
});

test('instances of registered classes travel, in columns and as records', () => {
  registerRecordClass<Money>({
    name: 'Money',
    class: Money,
    toPlain: ({ cents }) => cents,
    fromPlain: (cents) => new Money(Number(cents)),
  });
  const records = [1, 2, 3, 4].map((n) => ({ n, price: new Money(n) }));
  deepStrictEqual(through(records), records);
  deepStrictEqual(through([new Money(3)]), [new Money(3)]);
  assert.is(
    errorOf(() => registerRecordClass({ name: 'Error', class: Money, toPlain: Number, fromPlain: () => new Money(1) })).code,
    'RECORD_CLASS_NAME',
  );
});

test('a codec version from the future is refused as such, before anything else is read', () => {
  const writer = codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'enrich' });
  writer.add('x', noTimestamp);
  const frame = writer.take(0);
  const bodyOffset = codec.readHeader(frame)?.bodyOffset ?? 0;
  frame[bodyOffset] = 3;
  frame[0] = 0x8d;
  const error = errorOf(() => codec.decodeBatch(frame.subarray(0, bodyOffset + 1), codec.readHeader(frame)?.bodyOffset ?? 0));
  assert.is(error.code, 'FRAME_VERSION');
  assert.match(error.message, 'version 3');
  assert.match(error.message, 'version 2');
});

test('what does not add up is FRAME_CORRUPT: lengths, names, counts, orders', () => {
  const writer = codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'enrich' });
  const make = (n: number): unknown => ({
    abcd: `t${'x'.repeat(n)}`,
    abce: Uint8Array.from({ length: n }, () => 9),
    list: [n, n + 1].slice(n % 3),
    __pr0to__: true,
  });
  for (let n = 1; n < 5; n += 1) writer.add(make(n), noTimestamp);
  writer.take(0);
  for (let n = 1; n < 5; n += 1) writer.add(make(n), 1_000 + n, 2 ** 30 + n);
  writer.add('an item', noTimestamp, 2 ** 30);
  const hex = Buffer.from(writer.take(1)).toString('hex');
  const read = (altered: string): unknown => {
    const frame = new Uint8Array(Buffer.from(altered, 'hex'));
    return codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0);
  };
  read(hex);
  const cases: readonly (readonly [what: string, from: string, to: string])[] = [
    ['two fields of one name', Buffer.from('abce').toString('hex'), Buffer.from('abcd').toString('hex')],
    ['a field named __proto__', Buffer.from('__pr0to__').toString('hex'), Buffer.from('__proto__').toString('hex')],
    ['lengths of texts', 'd8404402030405', 'd8404402030406'],
    ['lengths of bytes', 'd8404401020304', 'd8404401020404'],
    ['lengths of lists', 'd8404401000201', 'd8404401000202'],
    ['the order of the groups', 'd840450000000001', 'd840450000000101'],
    ['a group that is not there', 'd840450000000001', 'd840450000000002'],
    ['key hashes', '821a40000000d840450102030400', '811a80000000'],
    ['key hashes that are no integers', '821a40000000d840450102030400', '81fb3fe0000000000000'],
    ['the number of columns', '048d', '048c'],
  ];
  for (const [what, from, to] of cases) {
    assert.ok(hex.includes(from), `${what}: ${from} is not in ${hex}`);
    try {
      read(hex.replace(from, to));
      assert.unreachable(`${what}: was read`);
    } catch (error) {
      assert.is((error as MillraceError).code, 'FRAME_CORRUPT', `${what}: ${String(error)}`);
    }
  }
});

/** Groups of `{ at }` with equal dates: a few bytes each, however many records they claim. */
function equalDates(count: number, groups: number, records: number): Uint8Array {
  const writer = codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'enrich' });
  writer.add(0, noTimestamp);
  const ordinary = writer.take(0);
  const sink = new ByteSink();
  sink.append(ordinary.subarray(0, codec.readHeader(ordinary)?.bodyOffset ?? 0));
  sink.head(0, codecVersion);
  sink.head(0, count);
  sink.append(Uint8Array.of(0xf6, 0xf6, 0xd8, 64));
  sink.head(2, count);
  sink.append(new Uint8Array(count));
  sink.head(4, groups);
  const shape = describeShape({ kind: 'object', fields: [{ name: 'at', shape: { kind: 'date' } }] });
  for (let group = 0; group < groups; group += 1) {
    sink.append(Uint8Array.of(0x83, 0xd8, 24));
    sink.head(2, shape.length);
    sink.append(shape);
    sink.head(0, records);
    // Nothing is absent from both levels, and all dates are 0.
    sink.append(Uint8Array.of(0x83, 0xf6, 0xf6, 0x81, 0x00));
  }
  return new Uint8Array(sink.bytes.subarray(0, sink.position));
}

test('many groups that claim many values are refused once all together are too many, not only each (FB1)', () => {
  const read = (frame: Uint8Array): readonly unknown[] => codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0).values;
  assert.is(read(equalDates(50_000, 1, 50_000)).length, 50_000);
  const error = errorOf(() => read(equalDates(100, 32, 50_000)));
  assert.is(error.code, 'FRAME_CORRUPT');
  assert.match(error.message, `more than ${valuesMax} values`);
  const budget = new FrameBudget();
  budget.takeValues(valuesMax);
  assert.throws(() => budget.takeValues(1));
});

test('a frame makes a process compile one shape at most (FB2)', () => {
  const budget = new FrameBudget();
  assert.equal([budget.takeCompilation(), budget.takeCompilation()], [true, false]);
  const decoders = new ShapeDecoders();
  const kinds = ['first', 'second'].map((name) => describeShape({ kind: 'object', fields: [{ name, shape: { kind: 'nothing' } }] }));
  const inFrame = (): boolean[] => {
    const ofFrame = new FrameBudget();
    return kinds.map((shape) => {
      const decoder = decoders.find(new ItemReader(shape), 0, shape.length);
      // 64 records, each an object whose only field is undefined: two bits each.
      const columns = new ItemReader(Uint8Array.of(0x82, 0xf6, 0x50, ...Array.from({ length: 16 }, () => 0b10_10_10_10)));
      assert.equal(decoder.read(columns, 64, ofFrame).length, 64);
      return decoder.isCompiled;
    });
  };
  assert.equal(inFrame(), [true, false]);
  assert.equal(inFrame(), [true, true], 'the other one has its turn with the next frame');
});

const hostileNames = [
  '"); globalThis.stolen = 1; ("',
  "'); globalThis.stolen = 1; ('",
  '`${globalThis.stolen = 1}`',
  '\\"); globalThis.stolen = 1; //',
  '\n; globalThis.stolen = 1; \n',
  '\u2028globalThis.stolen = 1\u2029',
  ']; globalThis.stolen = 1; [',
  '*/ globalThis.stolen = 1; /*',
  '</script>',
  'constructor',
  'prototype',
  '__defineGetter__',
  'toString',
];

test('field names made to break generated code are names and nothing else (EG1, DG1)', () => {
  for (const name of hostileNames) {
    const records = [1, 2, 3, 4].map((n) => ({ [name]: n, [`${name}2`]: { [name]: `x${n}` } }));
    deepStrictEqual(through(records), records);
    const plan = planColumns(shapeOf(records[0], 0));
    // Taking every string literal out must leave nothing of the name.
    for (const source of [encoderSource(plan), makersSource(plan)]) {
      const code = source.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
      assert.not.ok(/stolen|script|__defineGetter__/.test(code), `${name} stands in code outside of a literal`);
    }
  }
  assert.is((globalThis as { stolen?: unknown }).stolen, undefined);
});

test('__proto__ as a field arrives as a field, and changes no prototype', () => {
  const records = [1, 2, 3, 4].map((n) => JSON.parse(`{"n": ${n}, "__proto__": {"polluted": true}}`) as unknown);
  const received = through(records);
  deepStrictEqual(received, records);
  for (const record of received) {
    assert.ok(Object.hasOwn(record as object, '__proto__'));
    assert.is(Object.getPrototypeOf(record), Object.prototype);
  }
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
});

test('twenty thousand altered frames (npm run fuzz: a million) are refused or read, and nothing else happens', () => {
  const report = fuzzFrames(11, 20_000);
  assert.equal(report.violations, []);
  assert.ok(report.refused > 10_000 && report.read > 500, JSON.stringify(report));
});

test('where new Function is forbidden, records travel all the same', () => {
  const file = fileURLToPath(new URL('./columnar-without-code.js', import.meta.url));
  const run = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', file], { encoding: 'utf8', timeout: 60_000 });
  assert.is(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, 'records came back');
});

test('a text kept in state does not keep the frame it came in', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapGrowth = (keep: (text: string) => string): number => {
    const kept: string[] = [];
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let frame = 0; frame < 200; frame += 1) {
      const records = Array.from({ length: 400 }, (_, n) => ({ key: `user-${frame}-${n}-of-the-shop` }));
      kept.push(keep((through(records)[40] as { key: string }).key));
    }
    collect();
    assert.is(kept.length, 200);
    return (process.memoryUsage().heapUsed - before) / kept.length;
  };
  // What is compiled and grown once is no growth.
  heapGrowth((text) => text);
  const cut = heapGrowth((text) => text);
  const copied = heapGrowth((text) => copyValue(text, 'a test'));
  assert.ok(copied < cut / 2, `${Math.round(copied)} bytes of heap a kept text`);
  assert.ok(cut > 5_000, `the test sees no difference: ${Math.round(cut)} bytes uncopied, ${Math.round(copied)} copied`);
});

test('bytes are copied out of the frame', () => {
  const records = [1, 2, 3, 4].map((n) => ({ bytes: Uint8Array.of(n, n, n) }));
  for (const record of through(records)) {
    const { bytes } = record as { bytes: Uint8Array };
    assert.is(bytes.buffer.byteLength, 3);
  }
});

test.run();
