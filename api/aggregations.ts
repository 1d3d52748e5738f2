/** The functions behind sum, min and max: each keeps the first record of its key and replaces one field. */
import { MillraceError } from '../core/errors.js';
import type { ReduceFunction } from '../dataflow/functions.js';

/** Names of fields whose values can be added. */
export type NumericField<T> = { [F in keyof T & string]: T[F] extends number | bigint ? F : never }[keyof T & string];

/** Names of fields whose values have an order. */
export type OrderedField<T> = { [F in keyof T & string]: T[F] extends number | bigint | string | Date ? F : never }[keyof T & string];

export function sumOf<T>(field: keyof T & string): ReduceFunction<T> {
  return (accumulated, value) => ({ ...accumulated, [field]: add(accumulated[field], value[field], field) });
}

/** The smallest (or largest) value of `field`, in the first record of the key. */
export function extremeOf<T>(
  field: keyof T & string,
  isBetter: (candidate: T[keyof T & string], best: T[keyof T & string]) => boolean,
): ReduceFunction<T> {
  return (accumulated, value) => (isBetter(value[field], accumulated[field]) ? { ...accumulated, [field]: value[field] } : accumulated);
}

/** The record with the smallest (or largest) value of `field`; of equal ones the first. */
export function extremeBy<T>(
  field: keyof T & string,
  isBetter: (candidate: T[keyof T & string], best: T[keyof T & string]) => boolean,
): ReduceFunction<T> {
  return (accumulated, value) => (isBetter(value[field], accumulated[field]) ? value : accumulated);
}

function add(left: unknown, right: unknown, field: string): number | bigint {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left === 'bigint' && typeof right === 'bigint') return left + right;
  throw new MillraceError(
    'FIELD_NOT_NUMERIC',
    `Field "${field}" cannot be added: it is of type ${typeof left} in one record and ${typeof right} in another.`,
    {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Filter such records out, or map them, before the sum.',
    },
  );
}
