/**
 * Functions whose answers come later, as `AsyncDataStream` calls them.
 *
 * AF1  A function is called on the task's thread, at most `capacity` inputs at a time; its promise is answered once, later
 *      answers are ignored.
 * AF2  Inputs without an answer are part of snapshots; after a restore the function is called with them again, from the
 *      first attempt on. So calls may be repeated: make them idempotent.
 */
import type { RichFunction } from './functions.js';

/** One result, or any number of them as an array. */
export type AsyncResult<Out> = Out | readonly Out[];

/** Valid for one call. */
export interface AsyncCall {
  /** Aborted when nobody waits for the answer any more: after the timeout, and when the task ends. */
  readonly signal: AbortSignal;
}

/** Must not change `value`: it may be asked again with it. */
export type AsyncFunction<In, Out> = (value: In, call: AsyncCall) => PromiseLike<AsyncResult<Out>>;

/** An asynchronous function that is opened and closed, and may answer for an input that nobody answered in time. */
export interface RichAsyncFunction<In, Out> extends RichFunction {
  /** Must not change `value`: it may be asked again with it. */
  asyncInvoke(value: In, call: AsyncCall): PromiseLike<AsyncResult<Out>>;
  /** The results of an input that was not answered in time, instead of failing. */
  timeout?(value: In): AsyncResult<Out>;
}

/** When an input is asked again. */
export interface AsyncRetrySettings {
  /** Calls after the first one, at most. */
  readonly attempts: number;
  /** Before call `attempt`, 1 for the first repetition. */
  readonly delayMs: (attempt: number) => number;
  readonly ifResult: (results: readonly unknown[]) => boolean;
  readonly ifException: (error: unknown) => boolean;
}

export interface AsyncWaitSettings {
  /** Results leave in the order of the inputs, or in the order of the answers between two watermarks. */
  readonly order: 'ordered' | 'unordered';
  /** From the first call of an input to its last answer. */
  readonly timeoutMs: number;
  /** Inputs under way, from their call until their results have left. */
  readonly capacity: number;
  readonly retry: AsyncRetrySettings | undefined;
}
