/**
 * Which channel a record takes. Each kind is one closure over its channels, chosen once per edge.
 *
 * R1  A record goes to exactly one channel, but for BROADCAST, where it goes to all.
 * R2  HASH depends on the key and the maximum parallelism of the consumer only, through key groups; the hash of the key
 *     travels with the record, so that a key is hashed once.
 */
import { assert, MillraceError } from '../../core/errors.js';
import { keyHashOf } from '../../core/keys.js';
import type { Random } from '../../core/ports.js';
import { subtaskOfKeyGroup } from '../../graph/key-groups.js';
import type { CustomPartition, PartitionerKind } from '../../graph/types.js';
import type { RecordOutput } from '../channels/output-channel.js';
import type { Emit, KeySelector } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import { keyError } from './key-error.js';
import { functionError } from '../operators/user-error.js';

export interface PartitionerOptions {
  readonly kind: PartitionerKind;
  /** In the order of the consumers' subtask indices; for FORWARD the one of the same index. */
  readonly channels: readonly RecordOutput[];
  readonly random: Random;
  /** HASH and CUSTOM only. */
  readonly keySelector: KeySelector | undefined;
  /** CUSTOM only. */
  readonly customPartition?: CustomPartition | undefined;
  /** HASH only: of the consumer. */
  readonly maxParallelism: number;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
}

/** Hands records to the channels of one edge. */
export function createPartitioner(options: PartitionerOptions): Emit<unknown> {
  const { kind, channels } = options;
  assert(channels.length > 0, `Edge out of "${options.operatorName}" has no channels.`);
  switch (kind) {
    case 'FORWARD':
      return forward(channels);
    case 'REBALANCE':
      // From a random start, so that many producers do not all begin with the first consumer.
      return roundRobin(channels, Math.floor(options.random.next() * channels.length));
    case 'RESCALE':
      return roundRobin(channels, channels.length - 1);
    case 'SHUFFLE':
      return shuffle(channels, options.random);
    case 'GLOBAL':
      return toFirst(channels);
    case 'CUSTOM':
      return custom(options);
    case 'BROADCAST':
      return broadcast(channels);
    case 'HASH':
      return hash(options);
  }
}

function forward(channels: readonly RecordOutput[]): Emit<unknown> {
  assert(channels.length === 1, 'A FORWARD edge has one channel per subtask.');
  return toFirst(channels);
}

function toFirst(channels: readonly RecordOutput[]): Emit<unknown> {
  const channel = channels[0] as RecordOutput;
  return (value, timestamp) => channel.add(value, timestamp);
}

/** The first record goes to the channel after `last`. */
function roundRobin(channels: readonly RecordOutput[], last: number): Emit<unknown> {
  if (channels.length === 1) return toFirst(channels);
  let next = last;
  return (value, timestamp) => {
    next += 1;
    if (next >= channels.length) next = 0;
    (channels[next] as RecordOutput).add(value, timestamp);
  };
}

function shuffle(channels: readonly RecordOutput[], random: Random): Emit<unknown> {
  return (value, timestamp) => (channels[Math.floor(random.next() * channels.length)] as RecordOutput).add(value, timestamp);
}

function custom({ channels, keySelector, customPartition, operatorName }: PartitionerOptions): Emit<unknown> {
  const where = `partitionCustom after ${operatorName}`;
  if (keySelector === undefined || customPartition === undefined) {
    throw new MillraceError('PARTITION_FUNCTION_MISSING', 'A CUSTOM edge has no function that chooses the subtask.', {
      recovery: 'fail-job',
      where,
    });
  }
  return (value, timestamp) => {
    let index: number;
    try {
      index = customPartition(keySelector(value), channels.length);
    } catch (error) {
      throw functionError(where, error);
    }
    const channel = channels[index];
    if (channel === undefined) throw partitionInvalid(index, channels.length, where);
    channel.add(value, timestamp);
  };
}

function partitionInvalid(index: unknown, subtasks: number, where: string): MillraceError {
  return new MillraceError('PARTITION_INVALID', `The function chose subtask ${String(index)} of ${subtasks}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: `Return a whole number from 0 to ${subtasks - 1}: \`key % subtasks\` for keys that are no negative numbers.`,
  });
}

function broadcast(channels: readonly RecordOutput[]): Emit<unknown> {
  return (value, timestamp) => {
    for (const channel of channels) channel.add(value, timestamp);
  };
}

function hash(options: PartitionerOptions): Emit<unknown> {
  const { channels, keySelector, maxParallelism, operatorName } = options;
  if (keySelector === undefined) {
    throw new MillraceError('KEY_SELECTOR_MISSING', 'A HASH edge has no key selector.', { recovery: 'fail-job', where: operatorName });
  }
  const channelOf = Array.from(
    { length: maxParallelism },
    (_, keyGroup) => channels[subtaskOfKeyGroup(keyGroup, channels.length, maxParallelism)] as RecordOutput,
  );
  const fail = (error: unknown, value: unknown): never => {
    throw keyError({ error, value, keySelector, operatorName });
  };
  const compiled = compile<Emit<unknown>>(
    'hash',
    { keySelector, keyHashOf, maxParallelism, channelOf, fail },
    `return function emit(value, timestamp) {
  let keyHash;
  try {
    keyHash = keyHashOf(keySelector(value));
  } catch (error) {
    fail(error, value);
  }
  channelOf[keyHash % maxParallelism].add(value, timestamp, keyHash);
};`,
  );
  return (
    compiled ??
    ((value, timestamp) => {
      let keyHash: number;
      try {
        keyHash = keyHashOf(keySelector(value));
      } catch (error) {
        fail(error, value);
        return;
      }
      (channelOf[keyHash % maxParallelism] as RecordOutput).add(value, timestamp, keyHash);
    })
  );
}
