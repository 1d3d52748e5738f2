/** What is wrong with the key of a record, with the fields it was taken from and an outline of the record. */
import { MillraceError } from '../../core/errors.js';
import { outlineOf } from '../../core/record-outline.js';
import type { KeySelector } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import { fieldsOfKey } from '../records/pick-fields.js';

export interface FailedKey {
  readonly error: unknown;
  /** The record. */
  readonly value: unknown;
  readonly keySelector: KeySelector;
  /** The operator in front of `keyBy`. */
  readonly operatorName: string;
}

/** The error names `keyBy` and the operator before it, and shows kinds of values only. */
export function keyError({ error, value, keySelector, operatorName }: FailedKey): MillraceError {
  const named = functionError(`keyBy after ${operatorName}`, error);
  if (named.code !== 'KEY_UNSUPPORTED' && named.code !== 'USER_FUNCTION_FAILED') return named;
  const fields = fieldsOfKey(keySelector);
  const asked = fields === undefined ? '' : ` keyBy took it from ${fields.map((field) => `"${field}"`).join(', ')}.`;
  const { code, domain, recovery, hint, where, cause } = named;
  const said = /[.!?]$/.test(named.message) ? named.message : `${named.message}.`;
  return new MillraceError(code, `${said}${asked} The record was ${outlineOf(value)}.`, {
    domain,
    recovery,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
  });
}
