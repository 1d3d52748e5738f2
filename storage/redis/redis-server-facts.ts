/**
 * What a Redis server promises, read whenever we connect: refused when it would lose data on purpose, said out loud otherwise.
 *
 * RF1  Any `maxmemory-policy` but `noeviction` is refused: evicting a chunk loses a checkpoint silently.
 * RF2  A replica is refused: it cannot be written.
 * RF3  `durability` says what survives, in a sentence for people; what cannot be read is said to be unknown.
 */
import { MillraceError } from '../../core/errors.js';

export interface RedisServerFacts {
  readonly durability: string;
  /** Whether a write that was answered survives a crash of the machine. */
  readonly isDurable: boolean;
}

/** Lines of `INFO` as fields. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** `fsync` is `CONFIG GET appendfsync`, undefined when the server does not tell. Throws on RF1 and RF2. */
export function readServerFacts(info: ReadonlyMap<string, string>, fsync: string | undefined, shown: string): RedisServerFacts {
  const policy = info.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw new MillraceError(
      'REDIS_EVICTS',
      `Redis at ${shown} has maxmemory-policy ${policy}: it would throw away checkpoints when its memory is full.`,
      {
        domain: 'user',
        recovery: 'crash',
        where: shown,
        hint: 'Set maxmemory-policy noeviction in redis.conf, or use a Redis of its own.',
      },
    );
  }
  if (info.get('role') === 'slave') {
    throw new MillraceError('REDIS_REPLICA', `Redis at ${shown} is a replica and cannot be written.`, {
      domain: 'user',
      recovery: 'crash',
      where: shown,
      hint: 'Give the address of its primary.',
    });
  }
  return describeDurability(info.get('aof_enabled'), fsync, shown);
}

function describeDurability(aofEnabled: string | undefined, fsync: string | undefined, shown: string): RedisServerFacts {
  const redis = `Redis at ${shown}`;
  if (aofEnabled === '1' && fsync === 'always') {
    return { isDurable: true, durability: `${redis} (append-only file, fsync always): survives a crash of its machine` };
  }
  const consequence = 'a checkpoint pointer lost after its commit doubles output';
  if (aofEnabled === '1') {
    const window =
      fsync === 'everysec' ? 'may lose the last second of writes' : `may lose the latest writes (appendfsync ${fsync ?? 'unknown'})`;
    return { isDurable: false, durability: `${redis} (append-only file): ${window} in a crash of its machine; ${consequence}` };
  }
  return {
    isDurable: false,
    durability: `${redis} without append-only file: loses everything since its last snapshot when it restarts; ${consequence}`,
  };
}
