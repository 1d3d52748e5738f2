/**
 * Records as writes to Redis: what users configure. How it is done stands in redis-writer.ts (exactly once) and
 * redis-flushing-writer.ts (at least once).
 */
import { limits } from '../../core/limits.js';
import type { Sink } from '../../dataflow/contracts.js';
import { ConnectorOptions } from '../connector-options.js';
import { inOneSlot } from './hash-tag.js';
import { shownRedis, type RedisServerOptions } from './redis-client.js';
import { RedisFlushingWriter } from './redis-flushing-writer.js';
import { RedisWriter } from './redis-writer.js';
import { commandsOf, type RedisWrite } from './redis-writes.js';

export interface RedisSinkOptions<T> extends RedisServerOptions {
  /** What a record does. */
  readonly write: RedisWrite<T>;
  /** Shown in plans; default: `redis` and the kind of write. */
  readonly name?: string;
  /**
   * `exactly-once` (default): what came before a checkpoint is applied when it completed. `at-least-once`: at once, and again
   * after a failure; for writes that may be repeated, such as `set` and `hash`.
   */
  readonly delivery?: 'exactly-once' | 'at-least-once';
  /**
   * Exactly once: hash in which the sink notes what it applied; default `millrace:sinks`. In a cluster it must be given, and be in one
   * slot with all keys: give them the same hash tag, such as `{orders}`.
   */
  readonly noteKey?: string;
  /** Bytes between two checkpoints in one subtask, beyond which the job fails; default 32 MiB. They are kept in memory and in the checkpoint. */
  readonly transactionBytesMax?: number;
}

/**
 * Writes records to Redis, one write each: exactly once by default, in the order of each subtask. Throws when its options cannot work.
 */
export function redisSink<T>(options: RedisSinkOptions<T>): Sink<T> {
  const { url, cluster, write, noteKey, transactionBytesMax = limits.sinkTransactionBytesMax } = options;
  const given = new ConnectorOptions('redisSink');
  const delivery = given.word('delivery', options.delivery ?? 'exactly-once', ['exactly-once', 'at-least-once']);
  const server: RedisServerOptions = { url, ...(cluster === undefined ? {} : { cluster }) };
  const shown = shownRedis(server);
  if (noteKey === '') throw given.invalid('noteKey is empty.', 'Give the sink a key to note what it applied, or leave it out.');
  given.wholeNumber('transactionBytesMax', transactionBytesMax);
  const made = commandsOf(given, write);
  const isInCluster = cluster !== undefined && cluster !== false;
  const commands = isInCluster && delivery === 'exactly-once' ? inOneSlot(given, { write, commands: made, noteKey }) : made;
  return {
    name: options.name ?? `redis ${write.kind}`,
    data: { url: shown, kind: write.kind, delivery },
    createWriter: () =>
      delivery === 'exactly-once'
        ? new RedisWriter<T>({ server, commands, noteKey: noteKey ?? 'millrace:sinks', transactionBytesMax })
        : new RedisFlushingWriter<T>({ server, commands }),
  };
}
