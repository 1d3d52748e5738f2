/** An operator on its way into the graph. */
import type { Operator } from '../dataflow/contracts.js';
import type { FieldUse } from '../graph/types.js';
import { apiError } from './api-error.js';
import type { NamedTag } from './output-tags.js';

/** An operator to add. */
export interface Transformation {
  readonly type: string;
  readonly name: string;
  /** What the user wrote; refused when it is an async function. */
  readonly written: unknown;
  /** What an object must have that is written instead of a function. */
  readonly method?: string;
  readonly create: () => Operator;
  readonly isKeyed?: boolean;
  /** Plain data that counts in the fingerprint. */
  readonly data?: unknown;
  readonly fieldUse?: FieldUse;
  readonly secondFieldUse?: FieldUse;
  /** That the operator hands records to by itself. */
  readonly sideOutputs?: readonly NamedTag[];
}

/** Of an object with methods: that it has them, and none is async. What makes the object is called in the slot only. */
export function assertMethods(written: unknown, type: string, methods: readonly string[]): void {
  if (typeof written !== 'object' || written === null) return;
  for (const method of methods) {
    assertSynchronous(
      (written as Readonly<Record<string, unknown>>)[method],
      `${type} ${method}`,
      `Pass an object with ${methods.join(' and ')}.`,
    );
  }
}

/** Refuses what cannot have methods; `hint` says what can. */
export function assertObject(written: unknown, type: string, hint: string): void {
  if (typeof written === 'object' && written !== null) return;
  throw apiError('FUNCTION_MISSING', `${type} got ${written === null ? 'null' : typeof written} instead of an object.`, {
    where: type,
    hint,
  });
}

/** A promise would be taken for a result: refused while the job is built, not when the first record comes. */
export function assertSynchronous(written: unknown, type: string, hint = 'Pass a function.', method?: string): void {
  if (typeof written !== 'function' && (typeof written !== 'object' || written === null)) {
    throw missing(type, written === null ? 'null' : typeof written, hint);
  }
  assertNotAsync(written, type);
  if (typeof written === 'function' || method === undefined) return;
  const called: unknown = (written as Readonly<Record<string, unknown>>)[method];
  if (typeof called !== 'function')
    throw missing(type, `an object without ${method}()`, `${hint.slice(0, -1)}, or an object with ${method}().`);
  assertNotAsync(called, type);
}

function assertNotAsync(called: unknown, type: string): void {
  if (typeof called !== 'function' || !/^Async(Generator)?Function$/.test(called.constructor.name)) return;
  throw apiError('FUNCTION_ASYNC', `${type} got an async function.`, {
    where: type,
    hint: 'Functions on records are synchronous: fetch beforehand, or in open().',
  });
}

function missing(type: string, got: string, hint: string): Error {
  return apiError('FUNCTION_MISSING', `${type} got ${got} instead of a function.`, { where: type, hint });
}
