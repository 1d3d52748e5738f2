import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode, storedLimits, wireLimits } from '../../bus/codec/cbor.js';
import { scanCbor } from '../../bus/codec/scan.js';
import { MillraceError } from '../../core/errors.js';

const test = suite('codec');

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof MillraceError ? error.code : `not ours: ${String(error)}`;
  }
  return 'nothing';
}

/** Everything C5 promises, but -0, and keys that C4 renames. */
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(null, undefined, true, false, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, ''),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.date({ noInvalidDate: true, min: new Date(-1e13), max: new Date(1e13) }),
    fc.uint8Array({ maxLength: 300 }),
    fc.float64Array({ maxLength: 5, noNaN: true }),
    fc.int16Array({ maxLength: 5 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(
      fc.string({ maxLength: 8 }).filter((key) => key !== '__proto__' && key !== '__proto_'),
      tie('value'),
      { maxKeys: 30, noNullPrototype: true },
    ),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 5 }).map((items) => new Set(items)),
  ),
})).value;

test('what is encoded arrives the same (C2, C5)', () => {
  fc.assert(
    fc.property(values, (value) => {
      assert.equal(decode(encode(value)), value);
    }),
    { numRuns: 2_000, seed: 11 },
  );
});

test('an error keeps its message, a class instance its fields, -0 becomes 0 (C5)', () => {
  class Point {
    readonly x = 1;
    readonly y = [2];
  }
  const error = decode(encode(new TypeError('told'))) as Error;
  assert.instance(error, Error);
  assert.is(error.message, 'told');
  assert.equal(decode(encode(new Point())), { x: 1, y: [2] });
  assert.ok(Object.is(decode(encode(-0)), 0));
});

test('an encoded value stands in a buffer of its own, and neither side changes the other (C4)', () => {
  const source = Uint8Array.of(1, 2, 3);
  const bytes = encode({ source });
  assert.is(bytes.buffer.byteLength, bytes.length);
  const decoded = decode(bytes) as { source: Uint8Array };
  bytes.fill(0);
  source.fill(0);
  assert.equal([...decoded.source], [1, 2, 3]);
  assert.is(decoded.source.constructor, Uint8Array);
});

test('no message refers to another: the same object encodes to the same bytes each time, in definite maps (C1)', () => {
  const record = { word: 'to be', count: 1 };
  const first = encode(record);
  for (let index = 0; index < 5; index += 1) encode({ other: index, word: 'x' });
  assert.equal(encode(record), first);
  assert.is(Buffer.from(first).toString('hex'), 'a264776f726465746f20626565636f756e7401');
});

test('no key reaches a prototype (C4)', () => {
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}') as unknown;
  const decoded = decode(encode(hostile)) as Record<string, unknown>;
  assert.is(Object.getPrototypeOf(decoded), Object.prototype);
  assert.is(({} as Record<string, unknown>)['polluted'], undefined);
  assert.is(decoded['polluted'], undefined);
  assert.equal(Object.keys(decoded), ['__proto_', 'constructor']);
});

test('what decode would refuse is refused while encoding (C2)', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const deep = (levels: number): unknown => (levels === 0 ? 0 : [deep(levels - 1)]);
  for (const value of [() => 1, Symbol('a'), cycle, deep(65), { a: 1n << 8_200n }])
    assert.is(
      codeOf(() => encode(value)),
      'NOT_ENCODABLE',
    );
  assert.equal(decode(encode(deep(64))), deep(64));
  assert.is(decode(encode((1n << 8_191n) + 1n)), (1n << 8_191n) + 1n);
  assert.is(
    codeOf(() => encode(new Array(500_000).fill(1), wireLimits)),
    'NOT_ENCODABLE',
  );
});

test('a MiB of ordinary records is not too much work for the wire', () => {
  const rows = Array.from({ length: 7_500 }, (_, index) => ({
    auction: index * 7,
    bidder: index * 13,
    price: index * 31.5,
    channel: `channel-${index % 10}`,
    url: `https://www.nexmark.com/item.htm?query=${index}`,
    dateTime: 1_700_000_000_000 + index,
    extra: 'abcdefgh',
  }));
  const bytes = encode(rows, wireLimits);
  assert.ok(bytes.length > 900_000);
  assert.is((decode(bytes, wireLimits) as unknown[]).length, rows.length);
});

test('arbitrary bytes are decoded or refused with CBOR_REFUSED, never anything else (C3, S4)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const code = codeOf(() => decode(bytes, wireLimits));
      assert.ok(code === 'nothing' || code === 'CBOR_REFUSED', code);
    }),
    { numRuns: 20_000, seed: 5 },
  );
});

test('what the scan accepts of damaged messages, the decoder reads or refuses; what it refuses names a reason (C3, S4)', () => {
  let accepted = 0;
  fc.assert(
    fc.property(values, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (value, at, byte, cut) => {
      const bytes = encode(value);
      const index = at % bytes.length;
      const damaged = cut ? bytes.slice(0, index) : bytes.slice();
      if (!cut) damaged[index] = byte;
      const fault = scanCbor(damaged, storedLimits);
      const code = codeOf(() => decode(damaged));
      if (fault === undefined) accepted += 1;
      else assert.is(code, 'CBOR_REFUSED');
      if (cut) assert.ok(fault !== undefined, 'a cut message is not whole (S1)');
      assert.ok(code === 'nothing' || code === 'CBOR_REFUSED', code);
    }),
    { numRuns: 5_000, seed: 3 },
  );
  assert.ok(accepted > 500, `only ${accepted} of the damaged messages were accepted: the test checks little`);
});

test('what the scan accepts of arbitrary bytes ends exactly at their end (S1)', () => {
  fc.assert(
    fc.property(values, fc.uint8Array({ minLength: 1, maxLength: 3 }), (value, more) => {
      const bytes = encode(value);
      assert.is(scanCbor(bytes, storedLimits), undefined);
      assert.ok(scanCbor(Uint8Array.from([...bytes, ...more]), storedLimits) !== undefined);
    }),
    { numRuns: 1_000, seed: 9 },
  );
});

test.run();
