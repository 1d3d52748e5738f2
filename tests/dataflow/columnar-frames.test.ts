/** Frames by columns as bytes: what any CBOR reader sees, which shapes a channel learns, what moves between them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { FrameWriter } from '../../dataflow/channels/frame-codec.js';
import { valueBytesMin } from '../../dataflow/columnar/column-store.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { valuesMax } from '../../dataflow/columnar/frame-budget.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { Pairs, readPlainCbor, Tagged } from '../support/plain-cbor.js';

const channelId = 'e~a_0_1_0~b_1_1_0' as ChannelId;

const codec = createColumnarCodec({ samplesMin: 2 });
const newWriter = (): FrameWriter => codec.createWriter({ channelId, frameBytesMax: 1_000_000, operatorName: 'words' });

/** A writer that has learnt these records; what it learnt from has left. */
function taught(...records: readonly unknown[]): FrameWriter {
  const writer = newWriter();
  for (const record of records) for (let copy = 0; copy < 2; copy += 1) writer.add(record, noTimestamp);
  writer.take(0);
  return writer;
}

function frameOf(writer: FrameWriter, records: readonly unknown[], timestamps: readonly number[] = []): Uint8Array {
  for (const [index, record] of records.entries()) writer.add(record, timestamps[index] ?? noTimestamp);
  return writer.take(1).slice();
}

/** Read by a codec that never saw another frame. */
function readAlone(frame: Uint8Array): readonly unknown[] {
  const fresh = createColumnarCodec();
  return fresh.decodeBatch(frame, fresh.readHeader(frame)?.bodyOffset ?? 0).values;
}

/** Descriptions of the groups of a frame, read from its bytes. */
function shapesOf(frame: Uint8Array): string[] {
  const items = readPlainCbor(frame) as unknown[];
  return (items[10] as unknown[][]).map(([description]) => Buffer.from((description as Tagged).content as Uint8Array).toString('hex'));
}

const test = suite('columnar frames');

test('any CBOR reader finds the columns: typed arrays, one text a field, presence as bits', () => {
  const writer = taught({ word: 'ash', count: 1 });
  const frame = frameOf(
    writer,
    [
      { word: 'elm', count: 7 },
      { word: 'fir', count: null },
      { word: 'oak', count: 300 },
    ],
    [5, 6, 7],
  );
  const items = readPlainCbor(frame) as unknown[];
  assert.equal(items.slice(0, 7), [1, channelId, 1, 0, 0, 2, 3]);
  assert.equal(items[7], new Tagged(64, Uint8Array.of(5, 6, 7)), 'timestamps');
  assert.equal(items.slice(8, 10), [null, null]);
  const [group] = items[10] as [[Tagged, number, unknown[]]];
  const [description, count, columns] = group;
  assert.is(description.tag, 24);
  assert.equal(
    readPlainCbor(description.content as Uint8Array),
    new Pairs([
      ['word', 2],
      ['count', 1],
    ]),
  );
  assert.is(count, 3);
  assert.equal(columns, [null, null, [3], 'elmfiroak', Uint8Array.of(0b00_01_00), new Tagged(69, Uint8Array.of(7, 0, 0, 0, 44, 1))]);
});

test('every frame of mixed records is well-formed and can be read alone, in any order', () => {
  const random = new SeededRandom(7);
  const make: readonly ((n: number) => unknown)[] = [
    (n) => ({ word: `w${n}`, count: n }),
    (n) => ({ at: new Date(n), bytes: Uint8Array.of(n & 255), list: [n, n / 3] }),
    (n) => `text ${n} 🌲 \ud800`,
    (n) => new Map([[n, -0]]),
    (n) => ({ odd: n % 2 === 0 ? BigInt(n) : `n${n}`, deep: { pair: ['x', n], none: null } }),
  ];
  const writer = newWriter();
  const sent: unknown[] = [];
  const frames: { readonly frame: Uint8Array; readonly records: readonly unknown[] }[] = [];
  for (let n = 0; n < 4_000; n += 1) {
    const record = make[random.between(0, make.length - 1)]?.(n);
    sent.push(record);
    writer.add(record, random.chance(0.5) ? n : noTimestamp);
    if (writer.isFull || random.chance(0.01)) frames.push({ frame: writer.take(frames.length).slice(), records: sent.splice(0) });
  }
  for (const { frame, records } of frames.reverse()) {
    readPlainCbor(frame);
    assert.equal(readAlone(frame), records);
  }
});

test('records that alternate between kinds share a frame, each kind in columns of its own, in their order', () => {
  const writer = taught({ word: 'ash', count: 1 }, [1.5, 2.5]);
  const records = Array.from({ length: 100 }, (_, n) => [{ word: `w${n}`, count: n }, [n, n / 2], new Set([n])][n % 3]);
  const frame = frameOf(writer, records);
  assert.is(shapesOf(frame).length, 3);
  assert.equal(readAlone(frame), records);
});

test('a field that is missing now and then needs no other shape', () => {
  const writer = taught({ a: 1, b: 'x', c: true });
  const records = [{ a: 1, b: 'x', c: true }, { b: 'y', c: false }, { a: 2, c: true }, { a: 3, b: undefined, c: null }, {}];
  const frame = frameOf(writer, records);
  assert.is(shapesOf(frame).length, 1);
  assert.equal(readAlone(frame), records);
});

test('a channel compiles at most 8 shapes, however many its records have; then they travel item by item (CW4)', () => {
  const writer = newWriter();
  const shapes = new Set<string>();
  for (let round = 0; round < 200; round += 1) {
    const records = Array.from({ length: 20 }, (_, n) => ({ [`field${round}`]: n, [`other${round}`]: 'x', [`third${round}`]: null }));
    const frame = frameOf(writer, records);
    assert.equal(readAlone(frame), records);
    for (const shape of shapesOf(frame)) shapes.add(shape);
  }
  assert.is(shapes.size, 8 + 1, 'eight shapes, and any');
});

test('twelve optional fields in every combination end in a few shapes, most records in columns', () => {
  const random = new SeededRandom(3);
  const writer = newWriter();
  const shapes = new Set<string>();
  let rows = 0;
  for (let round = 0; round < 60; round += 1) {
    const records = Array.from({ length: 100 }, () =>
      Object.fromEntries(Array.from({ length: 12 }, (_, field) => [`field${field}`, field]).filter(() => random.chance(0.5))),
    );
    const frame = frameOf(writer, records);
    assert.equal(readAlone(frame), records);
    for (const shape of shapesOf(frame)) shapes.add(shape);
    if (round < 20) continue;
    const items = readPlainCbor(frame) as unknown[];
    for (const [description, count] of items[10] as [Tagged, number][]) {
      if ((description.content as Uint8Array)[0] === 7) rows += count;
    }
  }
  assert.ok(shapes.size <= 9, `${shapes.size} shapes`);
  assert.ok(rows < 400, `${rows} of 4,000 records went item by item`);
});

test('columns are as narrow as their values allow', () => {
  const columnOf = (values: readonly number[]): unknown => {
    const frame = frameOf(
      taught({ n: 0 }),
      values.map((n) => ({ n })),
    );
    const items = readPlainCbor(frame) as unknown[];
    return ((items[10] as unknown[][])[0]?.[2] as unknown[])[2];
  };
  const tagOf = (values: readonly number[]): number => (columnOf(values) as Tagged).tag;
  assert.equal(columnOf([4, 4, 4]), [4]);
  assert.is(tagOf([0, 255]), 64);
  assert.is(tagOf([0, 256]), 69);
  assert.is(tagOf([0, 65_536]), 70);
  assert.is(tagOf([-128, 127]), 72);
  assert.is(tagOf([-129, 127]), 77);
  assert.is(tagOf([-32_769, 0]), 78);
  assert.is(tagOf([0, 2 ** 32]), 86);
  assert.is(tagOf([1, 0.5]), 86);
  assert.is(tagOf([0, -0]), 86);
  const start = 1_700_000_000_000;
  assert.equal(columnOf([0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => start + n)), [
    start,
    new Tagged(64, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8)),
  ]);
});

test('a column of integers is as narrow wherever its first value lies between the others', () => {
  const far = 2 ** 40;
  const span = 2 ** 32 - 1;
  const others = [1, 2, 3, 4, 5, 6].map((n) => far + 1_000 * n);
  for (const values of [
    [far, ...others, far + span],
    [far + span, ...others, far],
    [far + 9, ...others, far, far + span],
  ]) {
    const frame = frameOf(
      taught({ n: 0 }),
      values.map((n) => ({ n })),
    );
    const items = readPlainCbor(frame) as unknown[];
    const [base, column] = ((items[10] as unknown[][])[0]?.[2] as unknown[])[2] as [number, Tagged];
    assert.equal([base, column.tag], [far, 70]);
    assert.equal(
      readAlone(frame),
      values.map((n) => ({ n })),
    );
  }
  const wide = [Number.MAX_SAFE_INTEGER, 0, Number.MIN_SAFE_INTEGER, 2 ** 60, -(2 ** 31), 2 ** 31].map((n) => ({ n }));
  assert.equal(readAlone(frameOf(taught({ n: 0 }), wide)), wide);
});

test('generated code and closures write the same bytes, whatever a column held in the frame before', () => {
  const [generated, closures] = [false, true].map((isCodeGenerationOff) =>
    createColumnarCodec({ samplesMin: 2, isCodeGenerationOff }).createWriter({
      channelId,
      frameBytesMax: 1_000_000,
      operatorName: 'words',
    }),
  ) as [FrameWriter, FrameWriter];
  const random = new SeededRandom(17);
  const numbers = [(n: number) => n, (n: number) => n / 4, (n: number) => (n % 3 === 0 ? -0 : n), (n: number) => 1e12 + n, () => NaN];
  const texts = [(n: number) => `w${n}`, (n: number) => `a text of some length: ${n}`, (n: number) => (n % 5 === 0 ? `ü${n}` : `u${n}`)];
  for (let seq = 0; seq < 60; seq += 1) {
    const number = numbers[random.between(0, numbers.length - 1)] as (n: number) => number;
    const text = texts[random.between(0, texts.length - 1)] as (n: number) => string;
    const records = Array.from({ length: random.between(2, 90) }, (_, n) => ({
      number: n === 7 ? random.between(0, 1) / 2 : number(n),
      text: n === 9 ? null : text(n),
      list: Array.from({ length: n % 4 }, (__, at) => ({ at: number(at), name: text(at) })),
    }));
    for (const record of records) for (const writer of [generated, closures]) writer.add(record, noTimestamp);
    const frame = generated.take(seq).slice();
    assert.is(Buffer.from(closures.take(seq)).toString('hex'), Buffer.from(frame).toString('hex'), `frame ${seq}`);
    assert.equal(readAlone(frame), records);
  }
});

test('generated code and closures end long frames of tiny records at the same one', () => {
  const lengths = [false, true].map((isCodeGenerationOff) => {
    const writer = createColumnarCodec({ isCodeGenerationOff }).createWriter({
      channelId,
      frameBytesMax: 1_000_000,
      operatorName: 'words',
    });
    const frames: string[] = [];
    for (let n = 0; n < 30_000; n += 1) {
      if (!writer.add({ a: n % 2, b: {} }, noTimestamp)) {
        frames.push(Buffer.from(writer.take(frames.length)).toString('hex'));
        assert.ok(writer.add({ a: n % 2, b: {} }, noTimestamp));
      }
      if (writer.isFull) frames.push(Buffer.from(writer.take(frames.length)).toString('hex'));
    }
    return frames;
  });
  assert.ok((lengths[0]?.length ?? 0) > 2, `${lengths[0]?.length} frames`);
  assert.equal(lengths[1], lengths[0]);
});

test('the values of a frame filled to the brim by its smallest columns can be read (CS2, FB1)', () => {
  for (const isCodeGenerationOff of [false, true]) {
    const writer = createColumnarCodec({ samplesMin: 2, isCodeGenerationOff }).createWriter({
      channelId,
      frameBytesMax: 1_000_000,
      operatorName: 'words',
      frameBytesTarget: limits.peerFrameBytesTarget,
    });
    const listOf = (length: number): readonly object[] => Array.from({ length }, () => ({}));
    // From the second frame on, an object in a list is taken to cost the least that anything costs.
    for (let seq = 0; seq < 2; seq += 1) {
      for (let n = 0; n < 20; n += 1) writer.add(listOf(500), noTimestamp);
      writer.take(seq);
    }
    let count = 0;
    const unitsLeft = (): number => (limits.peerFrameBytesTarget - writer.bytes) / valueBytesMin;
    for (; unitsLeft() > 1_000; count += 1) assert.ok(writer.add(listOf(500), noTimestamp));
    const rest = unitsLeft() - 10;
    assert.ok(writer.add(listOf(rest), noTimestamp));
    assert.not.ok(writer.isFull);
    const largest = limits.peerFrameBytesTarget / valueBytesMin - 10;
    assert.ok(writer.add(listOf(largest), noTimestamp));
    const frame = writer.take(2);
    assert.ok(frame.length < limits.peerFrameBytesTarget / 8, `${frame.length} bytes: the largest record went by columns, too`);
    const values = readAlone(frame) as readonly (readonly object[])[];
    const objects = values.reduce((sum, { length }) => sum + length, 0);
    assert.equal([values.length, values.at(-2)?.length, values.at(-1)?.length], [count + 2, rest, largest]);
    assert.ok(objects > 0.98 * valuesMax && objects <= valuesMax, `${objects} objects, ${valuesMax} at most`);
  }
});

/** The example of docs/data-plane.md. */
function documentedFrame(): Uint8Array {
  const writer = taught({ word: 'ash', count: 1 });
  return frameOf(
    writer,
    [
      { word: 'elm', count: 7 },
      { word: 'maple', count: null },
      { word: 'oak', count: 300 },
    ],
    [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_250],
  );
}

test('docs/data-plane.md shows the bytes of a frame as they are', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/data-plane.md', import.meta.url)), 'utf8');
  const dump = /```hexdump\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const bytes = dump
    .split('\n')
    .map((line) => line.replace(/#.*$/, '').replace(/\s/g, ''))
    .join('');
  assert.is(bytes, Buffer.from(documentedFrame()).toString('hex'));
});

test.run();
