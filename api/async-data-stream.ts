/** Asynchronous calls on a stream: for each record a function that answers later, several at once. */
import type { AsyncFunction, AsyncRetrySettings, AsyncWaitSettings, RichAsyncFunction } from '../dataflow/async-functions.js';
import type { Operator } from '../dataflow/contracts.js';
import { asyncWaitOperator } from '../dataflow/operators/async/async-wait.js';
import { apiError } from './api-error.js';
import { milliseconds, type Duration } from './duration.js';
import { assertStream, handleOf, type DataStream } from './streams/data-stream.js';
import type { SingleOutputStream } from './streams/single-output-stream.js';
import { assertObject } from './transformation.js';
import { addAloneOperator } from './streams/stream-handle.js';

/** When an input is asked again. */
export interface AsyncRetry<Out> {
  /** Calls after the first one, at most. */
  readonly attempts: number;
  /** The same each time, or longer from one to the next. */
  readonly delay: Duration | { readonly initial: Duration; readonly max: Duration; readonly multiplier: number };
  /** Which results are asked for again; default: none. The last ones are handed on, whatever they are. */
  readonly ifResult?: (results: readonly Out[]) => boolean;
  /** After which errors it is asked again; default: all, unless `ifResult` is given alone. */
  readonly ifException?: (error: unknown) => boolean;
}

export interface AsyncOptions<Out> {
  /** How long an input may take with all its repetitions, before the job fails or the function's `timeout` answers. */
  readonly timeout: Duration;
  /** Inputs under way at once in a subtask; default 100. */
  readonly capacity?: number;
  readonly retry?: AsyncRetry<Out>;
}

type Written<In, Out> = AsyncFunction<In, Out> | RichAsyncFunction<In, Out>;

/** Flink's name for what calls asynchronous functions; see docs/guide/async-io.md. */
export const AsyncDataStream = {
  /** Results leave as they are answered; none overtakes a watermark, nor does a watermark overtake one. */
  unorderedWait<In, Out>(stream: DataStream<In>, call: Written<In, Out>, options: AsyncOptions<NoInfer<Out>>): SingleOutputStream<Out> {
    return addAsync(stream, 'unordered', call, options);
  },

  /** Results leave in the order of the inputs. */
  orderedWait<In, Out>(stream: DataStream<In>, call: Written<In, Out>, options: AsyncOptions<NoInfer<Out>>): SingleOutputStream<Out> {
    return addAsync(stream, 'ordered', call, options);
  },
} as const;

const capacityDefault = 100;

function addAsync<In, Out>(
  stream: DataStream<In>,
  order: AsyncWaitSettings['order'],
  call: Written<In, Out>,
  options: AsyncOptions<Out>,
): SingleOutputStream<Out> {
  const type = `${order}Wait`;
  assertStream(stream, type);
  assertCallable(call, type);
  const settings = settingsOf(order, options, type);
  return addAloneOperator<Out>(handleOf(stream), {
    type,
    name: order === 'ordered' ? 'Async Wait' : 'Async Wait (unordered)',
    create: () => asyncWaitOperator(call, settings) as Operator,
  });
}

function assertCallable(call: unknown, type: string): void {
  if (typeof call === 'function') return;
  if (typeof call === 'object' && call !== null && 'asyncInvoke' in call && typeof call.asyncInvoke === 'function') return;
  throw apiError('FUNCTION_MISSING', `${type} got no function to call.`, {
    where: type,
    hint: 'Pass a function that returns a promise, or an object with asyncInvoke().',
  });
}

function settingsOf(order: AsyncWaitSettings['order'], options: AsyncOptions<never>, type: string): AsyncWaitSettings {
  assertObject(options, type, 'Pass options with a timeout, such as { timeout: "10 s" }.');
  const { timeout, capacity = capacityDefault, retry } = options;
  const timeoutMs = milliseconds(timeout, `${type}: timeout`);
  if (timeoutMs <= 0) throw invalid(type, `timeout is ${timeoutMs} ms`, 'Use a time above 0.');
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw invalid(type, `capacity is ${capacity}`, 'Use a whole number from 1.');
  return { order, timeoutMs, capacity, retry: retry === undefined ? undefined : retryOf(retry, type) };
}

function retryOf(retry: AsyncRetry<never>, type: string): AsyncRetrySettings {
  const { attempts, ifResult, ifException } = retry;
  if (!Number.isSafeInteger(attempts) || attempts < 1) throw invalid(type, `retry.attempts is ${attempts}`, 'Use a whole number from 1.');
  return {
    attempts,
    delayMs: delayOf(retry.delay, type),
    ifResult: (ifResult as AsyncRetrySettings['ifResult'] | undefined) ?? (() => false),
    ifException: ifException ?? (() => ifResult === undefined),
  };
}

function delayOf(delay: AsyncRetry<never>['delay'], type: string): AsyncRetrySettings['delayMs'] {
  const where = `${type}: retry.delay`;
  if (typeof delay !== 'object') {
    const delayMs = milliseconds(delay, where);
    return () => delayMs;
  }
  const initialMs = milliseconds(delay.initial, where);
  const maxMs = milliseconds(delay.max, where);
  const { multiplier } = delay;
  if (!(multiplier >= 1)) throw invalid(type, `retry.delay.multiplier is ${multiplier}`, 'Use a number from 1.');
  return (attempt) => Math.min(maxMs, initialMs * multiplier ** (attempt - 1));
}

function invalid(type: string, what: string, hint: string): Error {
  return apiError('ASYNC_OPTIONS_INVALID', `${type}: ${what}.`, { where: type, hint });
}
