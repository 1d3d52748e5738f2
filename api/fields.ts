/** Fields of records by their names, as types. */
import type { MillraceError } from '../core/errors.js';
import type { Key } from '../core/keys.js';
import { apiError } from './api-error.js';

/** Names of the fields of a record. */
export type FieldOf<T> = keyof T & string;

/** At least one of them. */
export type FieldsOf<T> = readonly [FieldOf<T>, ...FieldOf<T>[]];

/** Names of fields that can be a key, or a part of one. */
export type KeyField<T> = { [F in FieldOf<T>]-?: T[F] extends Key ? F : never }[FieldOf<T>];

/** At least one of them. */
export type KeyFields<T> = readonly [KeyField<T>, ...KeyField<T>[]];

/** The key that these fields make: the value of one, a tuple of several. */
export type KeyOfFields<T, Fields extends readonly string[]> = Fields extends readonly [infer Field]
  ? Extract<T[Field & keyof T], Key>
  : Extract<{ readonly [Place in keyof Fields]: T[Fields[Place] & keyof T] }, Key>;

/** A field that can be a key, or a function that makes the key of a record. */
export type KeyBy<T> = KeyField<T> | ((value: T) => Key);

/** The key that it makes. */
export type KeyMadeBy<T, By> = By extends (value: never) => infer K ? Extract<K, Key> : Extract<T[By & keyof T], Key>;

/** What is asked of the keys of two streams that meet by key: that one type holds both. Meant for an intersection. */
export type MatchingKey<K1, K2> = [K2] extends [K1]
  ? unknown
  : [K1] extends [K2]
    ? unknown
    : { readonly 'the keys of both streams must have the same type': never };

/** What `uses` asks for behind a key: that the fields of the key are known. Meant for an intersection. */
export type KnownKey<KeyFields> = [KeyFields] extends [never]
  ? { readonly "the fields of this key are not known: keyBy('field'), or uses('field').keyBy(function)": never }
  : unknown;

/** The same, said while the job is built. */
export function keyFieldsUnknown(): MillraceError {
  return apiError('KEY_FIELDS_UNKNOWN', 'uses() stands behind keyBy(function), which may look at any field of a record.', {
    where: 'uses',
    hint: "Name the fields of the key, keyBy('field'), or declare what the function looks at, uses('field').keyBy(function).",
  });
}
