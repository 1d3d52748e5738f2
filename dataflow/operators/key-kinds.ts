/**
 * Notices that the keys of two inputs can never be equal: those of one are strings, those of the other numbers. (The compiler
 * refuses such a program; what was cast, or read from a file, comes here.)
 *
 * KK1  As soon as a key of one input is of the type of one of the other, nothing is looked at any more: what is left of it for
 *      a record is a look at one field. Until then a key of the same type as the one before it makes nothing.
 * KK2  When `limits.keysComparedMax` keys have come from each input, or the inputs have ended, and no two are of one type, it
 *      is an error: `KEY_TYPES_DIFFER`. An input that brought nothing is no mistake; of one that brought few, keys of the types
 *      that the other one has may follow.
 * KK3  Null is of every type, also as a part of a key: it stands for a missing value.
 * KK4  Of keys only types are kept and shown.
 */
import { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import { limits } from '../../core/limits.js';
import { compile } from '../fusion/dynamic-code.js';

/** A key with `typeof` in the place of its parts. */
type Kind = string | null | readonly Kind[] | { readonly [field: string]: Kind };

/** Of one operator in one subtask; see the head of this file. */
export class KeyKinds {
  /** Whether keys are still looked at (KK1). */
  isOpen = true;
  #kinds: readonly [Map<string, Kind>, Map<string, Kind>] = [new Map(), new Map()];
  /** By input: the kind of its last key, which the other input has not had: it would have ended the looking. */
  readonly #latest: [Kind | undefined, Kind | undefined] = [undefined, undefined];
  readonly #seen: [number, number] = [0, 0];

  /** A key of an input; throws KK2. */
  see(input: 0 | 1, key: Key): void {
    const other = input === 0 ? 1 : 0;
    if (!isOfKind(key, this.#latest[input])) {
      const kind = kindOfKey(key);
      if ([...this.#kinds[other].values()].some((one) => isSameKind(kind, one))) {
        this.#close();
        return;
      }
      this.#kinds[input].set(JSON.stringify(kind), kind);
      this.#latest[input] = kind;
    }
    this.#seen[input] += 1;
    if (this.#seen[0] >= limits.keysComparedMax && this.#seen[1] >= limits.keysComparedMax) this.#judge();
  }

  /** No key will come any more. */
  end(): void {
    if (this.isOpen && this.#kinds.every(({ size }) => size > 0)) this.#judge();
  }

  #judge(): void {
    const [first, second] = this.#kinds;
    this.#close();
    const shown = (kinds: Map<string, Kind>): string => [...kinds.values()].map(kindText).join(' or ');
    throw new MillraceError(
      'KEY_TYPES_DIFFER',
      `Keys of the first input are of type ${shown(first)}, those of the second of type ${shown(second)}: no record of one can meet one of the other.`,
      {
        domain: 'user',
        recovery: 'fail-job',
        hint: 'Make keys of one type on both sides, with String(…) or Number(…) in the key functions.',
      },
    );
  }

  #close(): void {
    this.isOpen = false;
    this.#kinds = [new Map(), new Map()];
  }
}

/** The key function of an input, whose keys are looked at as long as it takes. */
export function watchedKey<T, K extends Key>(keyOf: (value: T) => K, kinds: KeyKinds, input: 0 | 1): (value: T) => K {
  const compiled = compile<(value: T) => K>(
    'watched key',
    { keyOf, kinds, input },
    `return function watchedKey(value) {
  const key = keyOf(value);
  if (kinds.isOpen) kinds.see(input, key);
  return key;
};`,
  );
  return (
    compiled ??
    ((value) => {
      const key = keyOf(value);
      if (kinds.isOpen) kinds.see(input, key);
      return key;
    })
  );
}

/** Whether a key is of this kind; makes nothing. */
function isOfKind(key: Key | undefined, kind: Kind | undefined): boolean {
  if (typeof kind === 'string') return typeof key === kind;
  if (kind === null || kind === undefined) return kind !== undefined && key === null;
  if (typeof key !== 'object' || key === null || Array.isArray(key) !== Array.isArray(kind)) return false;
  const parts = key as Readonly<Record<string, Key>>;
  const kinds = kind as Readonly<Record<string, Kind>>;
  let left = 0;
  for (const _ in kinds) left += 1;
  for (const field in parts) {
    if (!isOfKind(parts[field], kinds[field])) return false;
    left -= 1;
  }
  return left === 0;
}

function kindOfKey(key: Key): Kind {
  if (key === null) return null;
  if (typeof key !== 'object') return typeof key;
  if (Array.isArray(key)) return key.map(kindOfKey);
  return Object.fromEntries(
    Object.entries(key)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([field, part]) => [field, kindOfKey(part as Key)]),
  );
}

/** KK3. */
function isSameKind(left: Kind | undefined, right: Kind | undefined): boolean {
  if (left === null || right === null) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const a = Object.entries(left);
  const b = new Map<string, Kind>(Object.entries(right));
  return a.length === b.size && a.every(([field, kind]) => b.has(field) && isSameKind(kind as Kind, b.get(field)));
}

function kindText(kind: Kind): string {
  if (kind === null || typeof kind === 'string') return String(kind);
  if (Array.isArray(kind)) return `[${kind.map(kindText).join(', ')}]`;
  return `{ ${Object.entries(kind)
    .map(([field, part]) => `${field}: ${kindText(part as Kind)}`)
    .join(', ')} }`;
}
