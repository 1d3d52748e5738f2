/**
 * What a record does in Redis, as commands.
 *
 * RW1  Every command is checked before it is in a transaction: words that are text, finite numbers or bytes, not too many.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Duration } from '../../core/quantities.js';
import type { RedisArgument } from './redis-connection.js';
import type { ConnectorOptions } from '../connector-options.js';

/** Text (as UTF-8), a number, or bytes. */
export type RedisValue = RedisArgument;

/** The key of a record, or of all. */
export type KeyOf<T> = string | ((value: T) => string);

/**
 * - `set`: the key holds the value (JSON unless said otherwise), for `expiresIn` when that is given.
 * - `hash`: fields of the hash at the key are set; others stay.
 * - `list`: the value is appended to the list at the key, whose oldest entries go beyond `lengthMax`.
 * - `stream`: an entry is added to the stream at the key, whose oldest entries go somewhere beyond `lengthMax`.
 * - `commands`: whatever commands you return, in order. All keys of a sink must be on one node.
 */
export type RedisWrite<T> =
  | { readonly kind: 'set'; readonly key: KeyOf<T>; readonly value?: (value: T) => RedisValue; readonly expiresIn?: Duration }
  | { readonly kind: 'hash'; readonly key: KeyOf<T>; readonly fields: (value: T) => Readonly<Record<string, RedisValue>> }
  | { readonly kind: 'list'; readonly key: KeyOf<T>; readonly value?: (value: T) => RedisValue; readonly lengthMax?: number }
  | {
      readonly kind: 'stream';
      readonly key: KeyOf<T>;
      readonly fields: (value: T) => Readonly<Record<string, RedisValue>>;
      readonly lengthMax?: number;
    }
  | { readonly kind: 'commands'; readonly commands: (value: T) => readonly (readonly RedisValue[])[] };

export type CommandsOf<T> = (value: T) => readonly (readonly RedisValue[])[];

const json = (value: unknown): RedisValue => JSON.stringify(value) ?? 'null';

/** The commands of each record; options that cannot work are refused (CO1). */
export function commandsOf<T>(given: ConnectorOptions, write: RedisWrite<T>): CommandsOf<T> {
  switch (write.kind) {
    case 'set': {
      const { value = json, expiresIn } = write;
      const expiry = expiresIn === undefined ? [] : ['PX', Math.round(given.duration('expiresIn', expiresIn, 1))];
      const keyOf = keyFunction(write.key);
      return (record) => [['SET', keyOf(record), value(record), ...expiry]];
    }
    case 'hash': {
      const keyOf = keyFunction(write.key);
      return (record) => [withFields(['HSET', keyOf(record)], write.fields(record))];
    }
    case 'list': {
      const { value = json, lengthMax } = write;
      if (lengthMax !== undefined) given.wholeNumber('lengthMax', lengthMax);
      const keyOf = keyFunction(write.key);
      return (record) => {
        const key = keyOf(record);
        const push: readonly RedisValue[] = ['RPUSH', key, value(record)];
        return lengthMax === undefined ? [push] : [push, ['LTRIM', key, -lengthMax, -1]];
      };
    }
    case 'stream': {
      const { lengthMax } = write;
      if (lengthMax !== undefined) given.wholeNumber('lengthMax', lengthMax);
      const keyOf = keyFunction(write.key);
      const trim = lengthMax === undefined ? [] : ['MAXLEN', '~', lengthMax];
      return (record) => [withFields(['XADD', keyOf(record), ...trim, '*'], write.fields(record))];
    }
    case 'commands':
      return write.commands;
  }
}

/** Without fields there is no such command: an empty one is refused below. */
function withFields(words: readonly RedisValue[], fields: Readonly<Record<string, RedisValue>>): readonly RedisValue[] {
  const entries = Object.entries(fields).flat();
  return entries.length === 0 ? [] : [...words, ...entries];
}

/** RW1; `where` is the name of the operator. Throws `SINK_BAD_COMMAND`. */
export function checkCommand(command: readonly unknown[], where: string): void {
  const why = faultOf(command);
  if (why === undefined) return;
  throw new MillraceError('SINK_BAD_COMMAND', `A record gave a command for Redis that is none: ${why}`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'A command is its name, then text, finite numbers or bytes; a hash or a stream entry has at least one field.',
  });
}

function faultOf(command: readonly unknown[]): string | undefined {
  if (!Array.isArray(command) || command.length === 0) return 'it has no words';
  const [name] = command as unknown[];
  if (typeof name !== 'string' || !/^[A-Za-z.]+$/.test(name)) return `${shown(name)} is not the name of a command`;
  if (command.length > limits.sinkCommandWordsMax) return `${name} has ${command.length} words, at most ${limits.sinkCommandWordsMax}`;
  for (const word of command) {
    const isValue = typeof word === 'string' || word instanceof Uint8Array || (typeof word === 'number' && Number.isFinite(word));
    if (!isValue) return `${shown(word)} among the words of ${name}`;
  }
  return undefined;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, limits.malformedTextMax);

function keyFunction<T>(key: KeyOf<T>): (value: T) => string {
  return typeof key === 'string' ? () => key : key;
}
