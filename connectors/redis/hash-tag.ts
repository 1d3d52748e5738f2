/**
 * What lies in one slot of a Redis Cluster: keys with the same hash tag.
 *
 * HT1  A transaction is applied by one script, with the note of it: all of its keys are in the slot of that note. A record whose
 *      key is elsewhere fails the job before it is in a checkpoint; for commands of one's own, Redis tells when they are applied.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { shortened } from '../../core/shortened.js';
import type { CommandsOf, RedisWrite } from './redis-writes.js';
import type { ConnectorOptions } from '../connector-options.js';

/** The part of a key that decides its slot: what stands between the first `{` and the next `}`, or all of it. */
export function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

interface NotedWrites<T> {
  readonly write: RedisWrite<T>;
  readonly commands: CommandsOf<T>;
  /** As it was given. */
  readonly noteKey: string | undefined;
}

/** The same commands, checked (HT1); what cannot work with any record is refused (CO1). */
export function inOneSlot<T>(given: ConnectorOptions, { write, commands, noteKey }: NotedWrites<T>): CommandsOf<T> {
  if (noteKey === undefined)
    throw given.invalid(
      'A sink that writes exactly once to a cluster was given no noteKey.',
      "Give it one with the hash tag of its keys, such as {orders}:notes; or write with { delivery: 'at-least-once' }.",
    );
  const tag = hashTag(noteKey);
  if (write.kind === 'commands') return commands;
  if (typeof write.key === 'string') {
    if (hashTag(write.key) === tag) return commands;
    throw given.invalid(
      `The key ${write.key} and the noteKey ${noteKey} are not in one slot of a cluster.`,
      'Give both the same hash tag.',
    );
  }
  return (record) => {
    const made = commands(record);
    for (const [, key] of made) if (hashTag(String(key)) !== tag) throw elsewhere(String(key), noteKey);
    return made;
  };
}

function elsewhere(key: string, noteKey: string): MillraceError {
  const message = `The key ${JSON.stringify(shortened(key, limits.malformedTextMax))} of a record is not in the slot of the noteKey ${noteKey}`;
  return new MillraceError('SINK_KEY_ELSEWHERE', message, {
    domain: 'user',
    recovery: 'fail-job',
    hint: `Give all keys of the sink the same hash tag: {${hashTag(noteKey)}}; or write with { delivery: 'at-least-once' }.`,
  });
}
