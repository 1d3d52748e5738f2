/** Policies for errors, as a builder writes them. */
import { keyHashOf } from '../core/keys.js';
import type { KeySelector, OperatorFactory } from '../dataflow/contracts.js';
import type { DeadLetter, ErrorPolicySettings } from '../dataflow/error-policy.js';
import type { OutputTag } from '../dataflow/functions.js';
import { guardedOperator } from '../dataflow/operators/guarded.js';
import { apiError } from './api-error.js';
import { milliseconds, type Duration } from './duration.js';
import type { NodeDraft, Origin } from './graph-builder.js';

/**
 * What becomes of a record that the function of an operator, or the writing of a sink, fails on. `fail`, the default: the task fails, and the job
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

/** Refuses for a sink what would do nothing there: it is called again at once, as it is synchronous. */
export function checkSinkPolicy({ delayMs }: ErrorPolicySettings, where: string): void {
  if (delayMs === 0) return;
  throw apiError('ERROR_POLICY_INVALID', 'onError: a sink does not wait before it tries to write a record again.', {
    where,
    hint: 'Leave the delay out. What a target refuses for a while is tried again by the sink itself.',
  });
}

/** Refuses to read from a sink anything but its dead letters. */
export function checkSinkOutputs(inputs: readonly Origin[]): void {
  for (const { node, sideOutput } of inputs) {
    if (node.kind !== 'sink' || (sideOutput !== undefined && sideOutput === node.errorPolicy?.deadLetter)) continue;
    throw apiError('SINK_WITH_OUTPUT', `Sink "${node.name}" hands nothing to the side output ${JSON.stringify(sideOutput)}.`, {
      where: node.name,
      hint: 'Only its dead letters can be read: set them up with onError({ deadLetter: tag }), with the same tag.',
    });
  }
}

/** Makes the operator of a draft, behind its policy. */
export function guardedFactory(draft: NodeDraft): OperatorFactory {
  const { factory, errorPolicy } = draft;
  if (errorPolicy === undefined || factory.kind === 'source') return factory;
  return { kind: 'operator', create: () => guardedOperator(factory.create(), errorPolicy, keyToCheck(draft)) };
}

/** The key selector of an edge into an operator: one with a policy finds out by itself which records have no key (EP3). */
export function keySelectorInto(target: NodeDraft, keySelector: KeySelector | undefined): KeySelector | undefined {
  const findsOut = target.isKeyed || keyToCheck(target) !== undefined;
  return target.errorPolicy !== undefined && findsOut ? tolerant(keySelector) : keySelector;
}

/**
 * What makes the keys of all records of an operator that does not make them itself; undefined where they come in several ways,
 * which it cannot tell apart, or its calls are no guard's to begin (asynchronous ones): their keys fail the task.
 */
function keyToCheck({ inputs, secondInputs, isKeyed, isAlone }: NodeDraft): KeySelector | undefined {
  if (isKeyed || isAlone || secondInputs.length > 0) return undefined;
  const selectors = new Set(inputs.map(({ keySelector }) => keySelector));
  return selectors.size === 1 ? [...selectors][0] : undefined;
}

/** Where records without a key go: to one subtask, whose operator finds out again and has a policy for it. */
const noKey = 0;

/** It never throws. */
function tolerant(keySelector: KeySelector | undefined): KeySelector | undefined {
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
