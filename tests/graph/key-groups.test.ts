import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyHashOf } from '../../core/keys.js';
import { defaultMaxParallelism, intersectKeyGroups, keyGroupOf, keyGroupRange, subtaskOfKeyGroup } from '../../graph/key-groups.js';

const test = suite('key groups');

test('hashes and groups of numbers are those of Flink (KG3)', () => {
  const vectors: readonly [number, number, number][] = [
    [0, 593_689_054, 94],
    [1, 68_075_478, 86],
    [2, 1_085_422_463, 127],
    [42, 1_134_849_565, 29],
    [-1, 1_982_413_648, 80],
    [-2_147_483_648, 1_718_298_732, 108],
  ];
  for (const [key, hash, group] of vectors) {
    assert.is(keyHashOf(key), hash, `hash of ${key}`);
    assert.is(keyGroupOf(key, 128), group, `group of ${key}`);
  }
});

test('groups of strings are those of Flink (KG3)', () => {
  for (const [key, group] of [
    ['a', 81],
    ['hello', 35],
    ['flink', 98],
    ['user-1', 121],
  ] as const)
    assert.is(keyGroupOf(key, 128), group, key);
});

test('ranges are those of Flink (KG3)', () => {
  const ranges = (parallelism: number, max: number) =>
    Array.from({ length: parallelism }, (_, index) => keyGroupRange(index, parallelism, max));
  assert.equal(ranges(3, 128), [
    { start: 0, end: 42 },
    { start: 43, end: 85 },
    { start: 86, end: 127 },
  ]);
  assert.equal(ranges(4, 10), [
    { start: 0, end: 2 },
    { start: 3, end: 4 },
    { start: 5, end: 7 },
    { start: 8, end: 9 },
  ]);
});

test('every group belongs to exactly the subtask whose range holds it (KG2)', () => {
  for (const max of [1, 2, 7, 10, 128, 1_000, 32_768]) {
    for (const parallelism of [1, 2, 3, 4, 7, 10, 97, 128].filter((value) => value <= max)) {
      let next = 0;
      for (let subtask = 0; subtask < parallelism; subtask += 1) {
        const range = keyGroupRange(subtask, parallelism, max);
        assert.is(range.start, next);
        assert.ok(range.end >= range.start);
        assert.is(subtaskOfKeyGroup(range.start, parallelism, max), subtask);
        assert.is(subtaskOfKeyGroup(range.end, parallelism, max), subtask);
        next = range.end + 1;
      }
      assert.is(next, max);
    }
  }
});

test("the default maximum parallelism is Flink's", () => {
  for (const [parallelism, max] of [
    [1, 128],
    [85, 128],
    [86, 256],
    [170, 256],
    [172, 512],
    [32_768, 32_768],
  ] as const) {
    assert.is(defaultMaxParallelism(parallelism), max, `parallelism ${parallelism}`);
  }
});

test('ranges intersect in what both hold', () => {
  assert.equal(intersectKeyGroups({ start: 0, end: 42 }, { start: 40, end: 99 }), { start: 40, end: 42 });
  assert.is(intersectKeyGroups({ start: 0, end: 42 }, { start: 43, end: 99 }), undefined);
});

test('a subtask that does not exist has no range', () => {
  assert.throws(() => keyGroupRange(3, 3, 128), /does not exist/);
  assert.throws(() => keyGroupRange(0, 129, 128), /exceeds/);
});

test.run();
