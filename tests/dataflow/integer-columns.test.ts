/** Columns of integers are read as integers, and only those (DC4 of dataflow/columnar/decoded-columns.ts). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteSink } from '../../dataflow/columnar/byte-sink.js';
import { ItemReader } from '../../dataflow/columnar/item-reader.js';
import { readIntegers, readNumbers, writeNumbers } from '../../dataflow/columnar/number-column.js';

const test = suite('columns of integers');
const max = 2 ** 31 - 1;

/** Numbers, and whether they come back as integers of 32 bits. */
const columns: readonly (readonly [numbers: readonly number[], isWhole: boolean])[] = [
  [[7, 7, 7], true],
  [[0, 255, 3], true],
  [[0, 65_535, 3], true],
  [[-128, 127], true],
  [[-32_768, 32_767], true],
  [[-max - 1, max], true],
  [[100, 100_000_000], true],
  [[0, max], true],
  [[-5, max, ...new Array<number>(20).fill(max - 3)], true],
  [[100_000, 2 ** 31 + 7], false],
  [[1_000_000, 1_000_001, 1_000_255, ...new Array<number>(20).fill(1_000_002)], true],
  [[-max - 1, ...new Array<number>(20).fill(-max)], true],
  [[max, max], true],
  [[max + 1, max + 1], false],
  [[-max - 2, -max - 2], false],
  [[0, max + 1], false],
  [[1.7e12, 1.7e12 + 5, ...new Array<number>(20).fill(1.7e12 + 9)], false],
  [[-0, -0], false],
  [[0, -0], false],
  [[1, 1.5], false],
  [[NaN, NaN], false],
];

test('a column that holds integers of 32 bits alone is read as such, every other one as doubles, from the same place (DC4, NC1)', () => {
  for (const [numbers, isWhole] of columns) {
    const sink = new ByteSink();
    writeNumbers(sink, Float64Array.from(numbers), numbers.length);
    const name = numbers.slice(0, 4).join(', ');
    const reader = new ItemReader(sink.bytes.subarray(0, sink.position));
    const integers = new Int32Array(numbers.length);
    assert.is(readIntegers(reader, numbers.length, integers), isWhole, name);
    const doubles = new Float64Array(numbers.length);
    if (!isWhole) readNumbers(reader, numbers.length, doubles);
    assert.is(reader.position, sink.position, name);
    const read = [...(isWhole ? integers : doubles)];
    assert.ok(
      numbers.every((number, index) => Object.is(number, read[index])),
      `${name}: ${read.join(', ')}`,
    );
  }
});

test.run();
