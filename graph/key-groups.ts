/**
 * Key groups: the unit in which keyed state is stored and moved.
 *
 * KG1  The group of a key depends on the key and the maximum parallelism only, never on the parallelism.
 * KG2  Every group belongs to exactly one subtask, and the groups of a subtask are one inclusive range.
 * KG3  The arithmetic is Flink's (KeyGroupRangeAssignment, over MathUtils.murmurHash), checked against its values.
 */
import { assert, MillraceError } from '../core/errors.js';
import type { KeyGroup, KeyGroupRange } from '../core/ids.js';
import { keyHashOf, type Key } from '../core/keys.js';
import { limits } from '../core/limits.js';

/** The group of a key (KG1). Costs one hash of the key. */
export function keyGroupOf(key: Key, maxParallelism: number): KeyGroup {
  return (keyHashOf(key) % maxParallelism) as KeyGroup;
}

/** The subtask that owns a group (KG2). */
export function subtaskOfKeyGroup(keyGroup: number, parallelism: number, maxParallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The groups of a subtask, both ends included (KG2). */
export function keyGroupRange(subtaskIndex: number, parallelism: number, maxParallelism: number): KeyGroupRange {
  assert(subtaskIndex >= 0 && subtaskIndex < parallelism, `Subtask ${subtaskIndex} does not exist at parallelism ${parallelism}.`);
  assert(parallelism <= maxParallelism, `Parallelism ${parallelism} exceeds the maximum parallelism ${maxParallelism}.`);
  return {
    start: Math.ceil((subtaskIndex * maxParallelism) / parallelism),
    end: Math.floor(((subtaskIndex + 1) * maxParallelism - 1) / parallelism),
  };
}

/** The groups two ranges share; undefined when none. */
export function intersectKeyGroups(left: KeyGroupRange, right: KeyGroupRange): KeyGroupRange | undefined {
  const start = Math.max(left.start, right.start);
  const end = Math.min(left.end, right.end);
  return start <= end ? { start, end } : undefined;
}

const defaultMaxParallelismMin = 128;

/** Flink's rule: 1.5 × parallelism, rounded up to a power of two, between 128 and 32768. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  let power = 1;
  while (power < wanted) power *= 2;
  return Math.min(Math.max(power, defaultMaxParallelismMin), limits.maxParallelismMax);
}

/** Refuses what can be no maximum parallelism. */
export function checkMaxParallelism(maxParallelism: number, where: string): void {
  if (Number.isSafeInteger(maxParallelism) && maxParallelism >= 1 && maxParallelism <= limits.maxParallelismMax) return;
  throw new MillraceError('MAX_PARALLELISM_INVALID', `${maxParallelism} is not a maximum parallelism.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: `Use a whole number from 1 to ${limits.maxParallelismMax}.`,
  });
}
