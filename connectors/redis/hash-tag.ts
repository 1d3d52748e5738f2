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

/** The part of a key that decides its slot: what stands between the first `{` and the next `}`, or all of it. */
export function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

/** The same commands, checked (HT1); `noteKey` as it was given. Throws a TypeError for what cannot work with any record. */
export function inOneSlot<T>(write: RedisWrite<T>, commands: CommandsOf<T>, noteKey: string | undefined): CommandsOf<T> {
  if (noteKey === undefined)
    throw new TypeError(
      'In a cluster, a sink that writes exactly once needs a noteKey with the hash tag of its keys, such as {orders}:notes',
    );
  const tag = hashTag(noteKey);
  if (write.kind === 'commands') return commands;
  if (typeof write.key === 'string') {
    if (hashTag(write.key) === tag) return commands;
    throw new TypeError(`The key ${write.key} and the noteKey ${noteKey} are not in one slot of a cluster: give both the same hash tag`);
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
