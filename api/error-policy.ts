/** Policies for errors, as a builder writes them. */
import { keyHashOf } from '../core/keys.js';
import type { KeySelector, OperatorFactory } from '../dataflow/contracts.js';
import type { DeadLetter, ErrorPolicySettings } from '../dataflow/error-policy.js';
import type { OutputTag } from '../dataflow/functions.js';
import { guardedOperator } from '../dataflow/operators/guarded.js';
import { apiError } from './api-error.js';
import { milliseconds, type Duration } from './duration.js';
import type { NodeDraft } from './graph-builder.js';

/**
 * What becomes of a record that the function of an operator fails on. `fail`, the default: the task fails, and the job
 * restarts by its restart strategy. Else the function is called again, `retry` times (at once; an asynchronous one after
 * `delay`); what still fails goes to the side output `deadLetter`, or fails the task without one.
 */
export type ErrorPolicy<In = never> =
  | 'fail'
  | {
      readonly retry?: number | { readonly attempts: number; readonly delay?: Duration };
      /** `outputTag<DeadLetter<Order>>('bad orders')`; read it with `getSideOutput`. */
      readonly deadLetter?: OutputTag<DeadLetter<In>>;
    };

/** The policy, checked and completed; undefined for `fail`. */
export function errorPolicyOf(policy: ErrorPolicy, where: string): ErrorPolicySettings | undefined {
  if (policy === 'fail') return undefined;
  const isObject = typeof policy === 'object' && policy !== null;
  if (!isObject || (policy.retry === undefined && policy.deadLetter === undefined)) {
    throw invalid(where, `${JSON.stringify(policy)} is no policy for errors`);
  }
  const { retry = 0, deadLetter } = policy;
  const { attempts, delay = 0 } = typeof retry === 'number' ? { attempts: retry } : retry;
  if (!Number.isSafeInteger(attempts) || attempts < 0) throw invalid(where, `retry is ${attempts}`);
  if (deadLetter !== undefined && typeof deadLetter.id !== 'string') throw invalid(where, 'deadLetter is no output tag');
  return { attempts, delayMs: milliseconds(delay, `${where}: delay`), deadLetter: deadLetter?.id };
}

/** Makes the operator of a draft, behind its policy. */
export function guardedFactory({ factory, errorPolicy }: NodeDraft): OperatorFactory {
  if (errorPolicy === undefined || factory.kind === 'source') return factory;
  return { kind: 'operator', create: () => guardedOperator(factory.create(), errorPolicy) };
}

/** Where records without a key go: to one subtask, whose operator finds out again and has a policy for it. */
const noKey = 0;

/** The key selector of an edge into an operator with a policy: it never throws (EP3). */
export function tolerant(keySelector: KeySelector | undefined): KeySelector | undefined {
  if (keySelector === undefined) return undefined;
  return (value) => {
    try {
      const key = keySelector(value);
      keyHashOf(key);
      return key;
    } catch {
      return noKey;
    }
  };
}

function invalid(where: string, what: string): Error {
  return apiError('ERROR_POLICY_INVALID', `onError: ${what}.`, {
    where,
    hint: "Use 'fail', or an object with retry (a whole number, or { attempts, delay }) or deadLetter (an output tag), or both.",
  });
}
