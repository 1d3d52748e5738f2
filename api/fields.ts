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
