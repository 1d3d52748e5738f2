/** What goes into columns comes out deep-equal, whatever it is; with generated code and without. */
import { suite } from 'uvu';
import { deepStrictEqual } from 'node:assert';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { ChannelId } from '../../core/ids.js';
import type { FrameCodec } from '../../dataflow/channels/frame-codec.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';

const channelId = 'edge~a_0_1_0~b_1_1_0' as ChannelId;
const frameBytesMax = 1_000_000;

const forms: readonly (readonly [name: string, isCodeGenerationOff: boolean])[] = [
  ['generated code', false],
  ['without generated code', true],
];

/** All records through one channel; a frame whenever the writer is full, and every `every` records. */
function through(codec: FrameCodec, records: readonly unknown[], every = Infinity, bytesMax = frameBytesMax): unknown[] {
  const writer = codec.createWriter({ channelId, frameBytesMax: bytesMax, operatorName: 'words' });
  const received: unknown[] = [];
  let seq = 0;
  const send = (): void => {
    if (writer.count === 0) return;
    const frame = writer.take(seq);
    assert.ok(frame.length <= bytesMax, `a frame of ${frame.length} bytes where ${bytesMax} are allowed (CW3)`);
    const header = codec.readHeader(frame);
    assert.is(header?.seq, seq);
    received.push(...codec.decodeBatch(frame, header?.bodyOffset ?? 0).values);
    seq += 1;
  };
  for (const record of records) {
    if (!writer.add(record, noTimestamp)) {
      send();
      assert.ok(writer.add(record, noTimestamp), 'an empty writer had no room');
    }
    if (writer.isFull || writer.count >= every) send();
  }
  send();
  return received;
}

/** deepStrictEqual tells -0 from 0 and missing from undefined; the order of fields is compared as well. */
function assertSame(received: unknown, sent: unknown): void {
  deepStrictEqual(received, sent);
  assert.equal(orders(received), orders(sent));
}

function orders(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(orders);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return 0;
  return Object.entries(value).map(([name, content]) => [name, orders(content)]);
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.nat(0xff).map((unit) => String.fromCharCode(unit)) }),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
  fc.constantFrom('', '\ud800', 'x\udc00y', '🌲', 'naïve', 'a'.repeat(300)),
);
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2 ** 53,
    0.1,
    5e-324,
    255,
    256,
    65_536,
    -129,
  ),
);
const bytes = fc.uint8Array({ maxLength: 40 });
/** deepStrictEqual finds no invalid date equal to another: they have a test of their own. */
const date = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(new Date(8.64e15), new Date(-8.64e15), new Date(1_700_000_000_123)),
);
const scalar = fc.oneof(number, text, fc.boolean(), fc.bigInt(), fc.constant(null), fc.constant(undefined), date, bytes);
const fieldName = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'b', 'c', 'word', 'count', '10', '2', 'constructor', 'toString', 'hasOwnProperty', 'length', ''),
  },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', '\ud800', '"]; throw 1; //', '\u2028', '${x}', '`', "'", '\\', '\u0000') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
);
const { value } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 5 }),
    tie('object'),
    fc.array(fc.tuple(scalar, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(scalar, { maxLength: 3 }).map((items) => new Set(items)),
  ),
  object: fc.array(fc.tuple(fieldName, tie('value')), { maxLength: 5 }).map(objectOf),
}));

function objectOf(entries: readonly (readonly [string, unknown])[]): unknown {
  const object = {};
  for (const [name, content] of entries) {
    Object.defineProperty(object, name, { value: content, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

/** Records of a few kinds, each with fields of one type, some absent now and then: what columns are made for. */
const kinds = fc
  .array(
    fc.uniqueArray(
      fc.tuple(
        fieldName,
        fc.constantFrom(
          number,
          text,
          fc.boolean(),
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          date,
          bytes,
          fc.array(number),
          fc.tuple(text, number),
          fc.array(fc.record({ x: number, y: text }, { noNullPrototype: true })),
          value,
        ),
      ),
      {
        selector: ([name]) => name,
        maxLength: 6,
      },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .chain((shapes) =>
    fc.array(
      fc
        .constantFrom(...shapes)
        .chain((fields) =>
          fc
            .tuple(
              ...fields.map(([name, content]) =>
                fc.tuple(
                  fc.constant(name),
                  fc.oneof(
                    { weight: 12, arbitrary: content as fc.Arbitrary<unknown> },
                    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, undefined) },
                  ),
                  fc.nat(15),
                ),
              ),
            )
            .map((entries) =>
              objectOf(entries.filter(([, , presence]) => presence > 0).map(([name, content]) => [name, content] as const)),
            ),
        ),
      { minLength: 1, maxLength: 120 },
    ),
  );

for (const [form, isCodeGenerationOff] of forms) {
  const test = suite(`columnar records, ${form}`);
  const codec = (samplesMin = 2): FrameCodec => createColumnarCodec({ isCodeGenerationOff, samplesMin });

  test('any records whatever, mixed on one channel', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), fc.integer({ min: 1, max: 50 }), (records, every) => {
        assertSame(through(codec(), records, every), records);
      }),
      { numRuns: 120 },
    );
  });

  test('records of a few kinds, with absent fields', () => {
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 90 }), (records, every) => {
        assertSame(through(codec(), records, every), records);
      }),
      { numRuns: 120 },
    );
  });

  test('small limits of the bus are kept, whatever the records (CW3)', () => {
    fc.assert(
      fc.property(kinds, fc.integer({ min: 4_000, max: 20_000 }), (records, bytesMax) => {
        assertSame(through(codec(), records, Infinity, bytesMax), records);
      }),
      { numRuns: 50 },
    );
  });

  test('a -0 among small numbers stays one', () => {
    const records = [3, 1, -0, 2, 0, -0].map((n) => ({ n, list: [7, n] }));
    assertSame(through(codec(), records), records);
  });

  test('numbers of every size keep their value in columns of them', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 60 }), (numbers) => {
        const records = [0, 1, 2, ...numbers];
        assertSame(through(codec(), records), records);
        assertSame(
          through(
            codec(),
            records.map((n) => ({ n })),
            7,
          ),
          records.map((n) => ({ n })),
        );
      }),
      { numRuns: 80 },
    );
  });

  test('an invalid date stays one, in a column and on its own', () => {
    const records = [1, 2, 3].map(() => ({ at: new Date(NaN), more: new Map([['at', new Date(NaN)]]) }));
    for (const record of through(codec(), records)) {
      const { at, more } = record as (typeof records)[0];
      assert.ok(at instanceof Date && Number.isNaN(at.getTime()));
      assert.ok(Number.isNaN(more.get('at')?.getTime()));
    }
  });

  test.run();
}
