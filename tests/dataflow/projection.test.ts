/** What comes out of a channel with a projection is what was picked, whatever carries it. */
import { suite } from 'uvu';
import { deepStrictEqual } from 'node:assert';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { ReferenceWriter } from '../../dataflow/channels/local-carrier.js';
import type { FrameCodec, FrameWriter } from '../../dataflow/channels/frame-codec.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { fieldPicker, fieldSelector, keyOfFields } from '../../dataflow/records/pick-fields.js';
import { inOrderOfObjects } from '../../graph/projection.js';
import { registerRecordClass } from '../../dataflow/records/record-classes.js';

const channelId = 'edge~a_0_1_0~b_1_1_0' as ChannelId;

class Visit {
  readonly page: string;

  constructor(page: string) {
    this.page = page;
  }

  get visits(): number {
    return 3;
  }
}
registerRecordClass({ name: 'Visit', class: Visit, toPlain: ({ page }) => page, fromPlain: (page) => new Visit(page as string) });

type Carry = (records: readonly unknown[], fields: readonly string[]) => readonly unknown[];

/** Frames of up to `every` records. */
const columnar =
  (codec: FrameCodec, every = 40): Carry =>
  (records, fields) => {
    const writer = codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'visits', fields });
    const received: unknown[] = [];
    const send = (): void => {
      if (writer.count === 0) return;
      const frame = writer.take(0);
      received.push(...codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0).values);
    };
    for (const record of records) {
      if (!writer.add(record, noTimestamp)) {
        send();
        assert.ok(writer.add(record, noTimestamp));
      }
      if (writer.isFull || writer.count >= every) send();
    }
    send();
    return received;
  };

const byReference =
  (isObjectReuse: boolean): Carry =>
  (records, fields) => {
    const writer = new ReferenceWriter({ isObjectReuse, fields });
    for (const record of records) writer.add(record, noTimestamp);
    return writer.take().values;
  };

const carriers: readonly (readonly [name: string, carry: Carry])[] = [
  ['columns', columnar(createColumnarCodec({ samplesMin: 2 }))],
  ['columns, without generated code', columnar(createColumnarCodec({ samplesMin: 2, isCodeGenerationOff: true }))],
  ['items only', columnar(createColumnarCodec({ samplesMin: Infinity }))],
  ['references', byReference(false)],
  ['references, object reuse', byReference(true)],
];

/** Written apart from what is tested. */
function pick(record: unknown, fields: readonly string[]): unknown {
  if (typeof record !== 'object' || record === null || Object.getPrototypeOf(record) !== Object.prototype) return record;
  return Object.fromEntries(fields.filter((field) => Object.hasOwn(record, field)).map((field) => [field, (record as never)[field]]));
}

const orders = (records: readonly unknown[]): unknown =>
  records.map((record) => (typeof record === 'object' && record !== null ? Object.keys(record) : []));

const names = ['a', 'b', 'c', 'page', 'visits', '10', '2', '4294967294', '4294967295', '"]; throw 1; //', '\ud800', ''];
const content = fc.oneof(
  { weight: 4, arbitrary: fc.integer() },
  { weight: 4, arbitrary: fc.string() },
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('x', 'y'), fc.integer(), { noNullPrototype: true }),
  fc.uint8Array({ maxLength: 5 }),
);
/** Fields in any order, any of them absent. */
const object = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names), content), { selector: ([name]) => name, maxLength: 7 })
  .map((entries) => Object.fromEntries(entries) as object);
/** A kind of records: the same fields with values of one type, some of them absent. */
const kind = fc.record(
  {
    a: fc.integer(),
    page: fc.string(),
    visits: fc.double(),
    c: fc.boolean(),
    b: fc.array(fc.integer(), { maxLength: 3 }),
    10: fc.integer(),
    2: fc.string(),
  },
  { requiredKeys: ['a'], noNullPrototype: true },
);
const records = fc.array(fc.oneof({ weight: 6, arbitrary: kind }, { weight: 2, arbitrary: object }, { weight: 1, arbitrary: content }), {
  maxLength: 80,
});
const projection = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 6 });

for (const [name, carry] of carriers) {
  const test = suite(`projection by ${name}`);

  test('any records come out as what was picked of them, with the fields in its order', () => {
    fc.assert(
      fc.property(records, projection, fc.boolean(), (sent, projected, isOfEdge) => {
        const fields = isOfEdge ? (inOrderOfObjects(projected) ?? []) : projected;
        const expected = sent.map((record) => pick(record, fields));
        const received = carry(sent, fields);
        deepStrictEqual(received, expected);
        assert.equal(orders(received), orders(expected));
      }),
      { numRuns: 250 },
    );
  });

  test('a field that comes late, and one that is there and undefined, are kept', () => {
    const sent = [
      ...Array.from({ length: 10 }, (_, n) => ({ a: n, x: 0 })),
      { b: 'late', a: 10, x: 0 },
      { a: 11, b: undefined },
      { x: 0 },
      null,
      ...Array.from({ length: 10 }, (_, n) => ({ y: n, b: 'b', a: n })),
    ];
    deepStrictEqual(
      carry(sent, ['a', 'b']),
      sent.map((record) => pick(record, ['a', 'b'])),
    );
  });

  test('what is not a plain object stays whole', () => {
    const sent = [1, 'text', null, [1, { page: 'home', x: 1 }], new Visit('home'), new Map([['x', 1]])];
    deepStrictEqual(carry(sent, ['page']), sent);
  });

  test('values that cannot travel do not matter where nobody looks at them', () => {
    const sent = Array.from({ length: 30 }, (_, n) => ({ page: `p${n}`, act: () => n, tag: Symbol('x'), deep: new WeakMap() }));
    deepStrictEqual(
      carry(sent, ['page']),
      sent.map(({ page }) => ({ page })),
    );
  });

  test.run();
}

const test = suite('projection of records');

/** As a class was written before classes. */
function OldVisit(this: { page: unknown }, page: unknown): void {
  this.page = page;
}
OldVisit.prototype = { isOld: true };
function OldRegistered(this: { page: unknown }, page: unknown): void {
  this.page = page;
}
OldRegistered.prototype = {};
type Make = new (page: unknown) => { readonly page: unknown };
const Registered = OldRegistered as unknown as Make;
registerRecordClass({
  name: 'OldRegistered',
  class: Registered,
  toPlain: (visit) => visit.page,
  fromPlain: (page) => new Registered(page),
});

/** What an odd object becomes behind plain ones of the same field: itself, or the code of the error. */
function fateOf(carry: Carry, odd: object, fields: readonly string[]): unknown {
  const plain = Array.from({ length: 10 }, (_, n) => ({ page: n }));
  try {
    return carry([...plain, odd], fields).at(-1);
  } catch (error) {
    return (error as MillraceError).code;
  }
}

test('whatever else claims to be an Object is refused or keeps its class, by generated code, closures and items alike', () => {
  const unwilling = Object.create({
    get page() {
      throw new Error('nobody may read this');
    },
  }) as object;
  Object.defineProperty(unwilling, 'constructor', { value: Map });
  const odd: readonly (readonly [object, unknown])[] = [
    [Object.create({ page: 7 }) as object, 'RECORD_NOT_ENCODABLE'],
    [Object.assign(Object.create({}) as object, { page: 7 }), 'RECORD_NOT_ENCODABLE'],
    [new (OldVisit as unknown as Make)(7), 'RECORD_NOT_ENCODABLE'],
    [new (class Late extends (OldVisit as unknown as Make) {})(7), 'RECORD_NOT_ENCODABLE'],
    [unwilling, 'RECORD_NOT_ENCODABLE'],
    [new Registered(7), new Registered(7)],
    [Object.assign(Object.create(null) as object, { page: 7, other: 1 }), { page: 7 }],
    [{ page: 7, constructor: 1 }, { page: 7 }],
  ];
  for (const [name, carry] of carriers.slice(0, 3)) {
    for (const [index, [object, expected]] of odd.entries()) {
      for (const fields of [['page'], ['page', 'absent']]) {
        const fate = fateOf(carry, object, fields);
        deepStrictEqual(fate, expected, `${name}, object ${index}`);
      }
    }
  }
});

test('a value that cannot travel is named when it is used, and no other (CW2)', () => {
  const codec = createColumnarCodec({ samplesMin: 2 });
  const hidden = (): number => 1;
  // A column of numbers does not take it, one of anything does not either.
  for (const pages of [
    [1, 2, 3, 4, 5],
    [1, 'two', 3, 'four', 5],
  ]) {
    const sent = [...pages, (): number => 1].map((page) => ({ hidden, page }));
    assert.throws(
      () => columnar(codec)(sent, ['page']),
      (error: MillraceError) => error.code === 'RECORD_NOT_ENCODABLE' && error.where === 'visits' && /its field page /.test(error.message),
    );
  }
});

function bytesOf(writer: FrameWriter, part: readonly unknown[]): number {
  for (const record of part) writer.add(record, noTimestamp);
  return writer.take(0).length;
}

test('records of any order and with any further fields share one shape (CW5, SL3)', () => {
  const codec = createColumnarCodec();
  const sent = Array.from({ length: 400 }, (_, n) =>
    n % 2 === 0 ? { [`extra ${n}`]: n, page: `p${n}`, visits: n } : { visits: n, page: `p${n}`, late: true },
  );
  const options = { channelId, frameBytesMax: 1_000_000, operatorName: 'visits' };
  const projected = codec.createWriter({ ...options, fields: ['page', 'visits'] });
  const plain = codec.createWriter(options);
  const small = sent.map((record) => pick(record, ['page', 'visits']));
  for (const part of [0, 1]) {
    const [from, to] = [200 * part, 200 * part + 200];
    assert.is(bytesOf(projected, sent.slice(from, to)), bytesOf(plain, small.slice(from, to)), 'as long as of records without the others');
  }
});

test('fields named by array indices travel by columns, in whatever order they are used (SL3, PJ4)', () => {
  const sent = Array.from({ length: 200 }, (_, n) => ({ 1: n, 2: `p${n}`, page: n % 3, late: n }));
  const codec = createColumnarCodec();
  const options = { channelId, frameBytesMax: 1_000_000, operatorName: 'visits' };
  const projected = codec.createWriter({ ...options, fields: inOrderOfObjects(['page', '2', '1']) });
  const plain = codec.createWriter(options);
  const small = sent.map((record) => pick(record, ['1', '2', 'page']));
  bytesOf(projected, sent);
  bytesOf(plain, small);
  assert.is(bytesOf(projected, sent), bytesOf(plain, small));
});

test('by reference, producer and consumer never see each other change a record', () => {
  const record = { page: { name: 'home' }, visits: [1], other: {} };
  const [copied] = byReference(false)([record], ['page', 'visits']) as [typeof record];
  assert.is.not(copied.page, record.page);
  assert.is.not(copied.visits, record.visits);
  const [reused] = byReference(true)([record], ['page', 'visits']) as [typeof record];
  assert.is(reused.page, record.page, 'with object reuse the values are shared');
  assert.is.not(reused as unknown, record, 'the record is not: it has fewer fields');
});

test('a selection makes a plain object of any object, and reads its accessors', () => {
  deepStrictEqual(fieldSelector(['visits', 'page'])(new Visit('home')), { visits: 3, page: 'home' });
  deepStrictEqual(fieldSelector(['a', 'b'])({ b: undefined, c: 1 }), { b: undefined });
  deepStrictEqual(fieldPicker(['a', 'b'])(Object.assign(Object.create(null) as object, { a: 1, c: 2 })), { a: 1 });
});

test('the key of one field is its value, of several a tuple (K1)', () => {
  const record = { page: 'home', visits: 3, site: 'x' };
  assert.is(keyOfFields(['page'])(record), 'home');
  assert.equal(keyOfFields(['site', 'visits'])(record), ['x', 3]);
});

test.run();
