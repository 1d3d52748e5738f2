/**
 * Calls a function whose answers come later, for several inputs at once.
 *
 * AW1  Between two watermarks results leave as the order of the operator says; nothing overtakes a watermark, or that the
 *      input is idle (AQ1, AQ2).
 * AW2  At most `capacity` inputs are under way. An input that comes beyond waits, and holds back what is behind it; a
 *      barrier that comes before it passes without waiting for any answer.
 * AW3  A snapshot holds the inputs whose results have not left; after a restore the function is called with them again.
 * AW4  An input that has no answer after its time fails the task, naming the operator, or is answered by `timeout`. What
 *      comes later is ignored.
 * AW5  The end of the input waits for all answers.
 */
import { MillraceError } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { AsyncFunction, AsyncWaitSettings, RichAsyncFunction } from '../../async-functions.js';
import { recordFromBytes, recordToBytes } from '../../columnar/record-bytes.js';
import type { Emit, Operator, OperatorContext, TimeChange } from '../../contracts.js';
import { isPolicyMatter, letterError, type DeadLetter, type ErrorPolicySettings } from '../../error-policy.js';
import type { MetricCounter } from '../../metrics.js';
import { approximateBytes } from '../../records/copy-record.js';
import { lifeOf, richOf } from '../rich-function.js';
import { shownTimestamp } from '../runtime-context.js';
import { functionError } from '../user-error.js';
import { AsyncInput, type AsyncAnswer } from './async-input.js';
import { OrderedQueue, UnorderedQueue, type AsyncQueue } from './async-queue.js';
import { Deadlines } from './deadlines.js';

/** Runs an asynchronous function. */
export function asyncWaitOperator<In, Out>(
  written: AsyncFunction<In, Out> | RichAsyncFunction<In, Out>,
  settings: AsyncWaitSettings,
): Operator<In, Out> {
  return new AsyncWaitOperator(written as AsyncFunction<unknown, unknown>, settings) as Operator<In, Out>;
}

type Written = AsyncFunction<unknown, unknown> | RichAsyncFunction<unknown, unknown>;

interface WaitingInput {
  readonly value: unknown;
  readonly timestamp: number;
}

class AsyncWaitOperator implements Operator {
  readonly holdsTime = true;
  readonly #rich: RichAsyncFunction<unknown, unknown> | undefined;
  readonly #invoke: AsyncFunction<unknown, unknown>;
  #settings: AsyncWaitSettings;
  #deadLetter: string | undefined;
  readonly #queue: AsyncQueue<AsyncInput>;
  #context!: OperatorContext;
  #out!: Emit<unknown>;
  #deadlines!: Deadlines<AsyncInput>;
  #retries: MetricCounter | undefined;
  #deadLetters: MetricCounter | undefined;
  /** Came while all places were taken (AW2). */
  #waiting: WaitingInput[] = [];
  #waitingBytes = 0;
  /** Of an input whose results did not all find room: the next one. */
  #rest: { readonly input: AsyncInput; next: number } | undefined;
  /** Results that could leave may be there. */
  #hasReady = false;
  #isPosted = false;
  #isParked = false;
  /** Resolves what is parked until something is answered. */
  #answered: (() => void) | undefined;
  #isFinishing = false;
  #isClosed = false;

  constructor(written: Written, settings: AsyncWaitSettings) {
    const rich = richOf<RichAsyncFunction<unknown, unknown>>(written);
    this.#rich = rich;
    this.#invoke = typeof written === 'function' ? written : (value, call) => written.asyncInvoke(value, call);
    this.#settings = settings;
    this.#queue = settings.order === 'ordered' ? new OrderedQueue() : new UnorderedQueue();
  }

  /** Repetitions of its own win over those of the policy. */
  takePolicy({ attempts, delayMs, deadLetter }: ErrorPolicySettings): void {
    this.#deadLetter = deadLetter;
    const retry = { attempts, delayMs: () => delayMs, ifResult: () => false, ifException: isPolicyMatter };
    if (attempts > 0) this.#settings = { ...this.#settings, retry: this.#settings.retry ?? retry };
  }

  bind(out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    this.#out = out;
    this.#context = context;
    this.#deadlines = new Deadlines({
      clock: context.clock,
      delayMs: this.#settings.timeoutMs,
      onDue: (input) => this.#timedOut(input),
    });
    return (value, timestamp) => this.#take({ value, timestamp });
  }

  async open(context: OperatorContext): Promise<void> {
    if (this.#deadLetter !== undefined) this.#deadLetters = context.metrics.counter('deadLetters');
    if (this.#settings.retry !== undefined) this.#retries = context.metrics.counter('retries');
    await lifeOf(this.#rich).open?.(context);
    for (const former of context.restored ?? []) {
      for (const [bytes, timestamp] of former as readonly [Uint8Array, number][]) {
        this.#take({ value: recordFromBytes(bytes, context.operatorName), timestamp });
      }
    }
  }

  onWatermark(watermark: number): void {
    this.#moveTime({ watermark });
  }

  onIdle(isIdle: boolean): void {
    this.#moveTime({ isIdle });
  }

  finish(): void {
    this.#isFinishing = true;
    if (!this.#queue.isEmpty) this.#park();
  }

  snapshot(): unknown {
    const inputs = [...this.#queue.inputs(), ...this.#waiting];
    return inputs.map(({ value, timestamp }) => [recordToBytes(value, this.#context.operatorName), timestamp]);
  }

  close(): void | Promise<void> {
    this.#isClosed = true;
    this.#deadlines?.cancel();
    for (const input of this.#queue.inputs()) input.release();
    return lifeOf(this.#rich).close?.();
  }

  #moveTime(change: TimeChange): void {
    if (this.#queue.isEmpty) this.#context.emitTime(change);
    else this.#queue.addTime(change);
  }

  #take(input: WaitingInput): void {
    if (this.#waiting.length === 0 && this.#queue.size < this.#settings.capacity) this.#start(input);
    else this.#defer(input);
  }

  #start({ value, timestamp }: WaitingInput): void {
    const input = new AsyncInput({
      value,
      timestamp,
      clock: this.#context.clock,
      invoke: this.#invoke,
      retry: this.#settings.retry,
      onAnswer: (answered, answer) => this.#settle(answered, answer),
      onRetry: () => this.#retries?.increment(),
    });
    this.#queue.addInput(input);
    this.#deadlines.add(input);
    input.call();
  }

  #defer(input: WaitingInput): void {
    this.#waitingBytes += approximateBytes(input.value);
    if (this.#waitingBytes > limits.overdraftBytesMax) throw overdraft(this.#context.operatorName);
    this.#waiting.push(input);
    this.#park();
  }

  #settle(input: AsyncInput, answer: AsyncAnswer): void {
    if (this.#isClosed) return;
    this.#deadlines.remove(input);
    if (answer.kind === 'results') input.results = answer.results;
    else if (this.#deadLetter !== undefined && isPolicyMatter(answer.error)) input.failure = { error: answer.error };
    else {
      this.#context.fail(functionError(this.#context.operatorName, answer.error));
      return;
    }
    this.#queue.answered(input);
    this.#hasReady = true;
    if (this.#isParked) this.#answered?.();
    else this.#post();
  }

  #timedOut(input: AsyncInput): void {
    input.answer(this.#answerOf(input));
  }

  /** AW4. */
  #answerOf({ value }: AsyncInput): AsyncAnswer {
    if (this.#rich?.timeout === undefined) return { kind: 'error', error: timedOut(this.#settings.timeoutMs) };
    try {
      const result = this.#rich.timeout(value);
      return { kind: 'results', results: Array.isArray(result) ? result : [result] };
    } catch (error) {
      return { kind: 'error', error };
    }
  }

  #post(): void {
    if (this.#isPosted) return;
    this.#isPosted = true;
    this.#context.post(() => {
      this.#isPosted = false;
      if (this.#isParked || this.#deliver()) return;
      // What is left leaves before anything else, so that no barrier comes between the results of one input.
      if (this.#rest !== undefined) this.#park();
      else this.#post();
    });
  }

  #park(): void {
    if (this.#isParked) return;
    this.#isParked = true;
    if (this.#hasReady) this.#context.park(this.#resume);
    else this.#context.park(this.#resume, this.#nextAnswer());
  }

  #nextAnswer(): Promise<void> {
    return new Promise((resolve) => (this.#answered = resolve));
  }

  readonly #resume = (): boolean => {
    const isDelivered = this.#deliver();
    if (this.#rest !== undefined) return false;
    this.#startWaiting();
    this.#isParked = false;
    if (this.#waiting.length > 0 || (this.#isFinishing && !this.#queue.isEmpty)) this.#park();
    else if (!isDelivered) this.#post();
    return true;
  };

  #startWaiting(): void {
    const room = Math.max(0, this.#settings.capacity - this.#queue.size);
    for (const input of this.#waiting.splice(0, room)) this.#start(input);
    if (this.#waiting.length === 0) this.#waitingBytes = 0;
  }

  /** Hands on what can leave; false when the outputs had no room for all of it. */
  #deliver(): boolean {
    const context = this.#context;
    while (this.#rest === undefined || this.#deliverRest(this.#rest)) {
      if (!context.isOutputAvailable()) return false;
      const element = this.#queue.poll();
      if (element === undefined) {
        this.#hasReady = false;
        return true;
      }
      if (element.kind === 'time') context.emitTime(element.change);
      else if (element.failure === undefined) this.#rest = { input: element, next: 0 };
      else this.#bury(element, element.failure.error);
    }
    return false;
  }

  /** Hands an input to the dead letters, in the place of its results. */
  #bury({ value, timestamp }: AsyncInput, error: unknown): void {
    const { operatorName, sideOutput } = this.#context;
    const letter: DeadLetter = { value, operator: operatorName, error: letterError(error), timestamp: shownTimestamp(timestamp) ?? null };
    this.#deadLetters?.increment();
    sideOutput(this.#deadLetter as string)(letter, timestamp);
  }

  #deliverRest(rest: { readonly input: AsyncInput; next: number }): boolean {
    const { results, timestamp } = rest.input;
    while (rest.next < results.length) {
      // The first one was looked after.
      if (rest.next > 0 && !this.#context.isOutputAvailable()) return false;
      rest.next += 1;
      this.#out(results[rest.next - 1], timestamp);
    }
    this.#rest = undefined;
    return true;
  }
}

function timedOut(timeoutMs: number): MillraceError {
  return new MillraceError('ASYNC_TIMEOUT', `The function has not answered within ${timeoutMs} ms.`, {
    domain: 'user',
    recovery: 'restart-job',
    hint: 'Raise the timeout, answer such inputs with timeout(), or hand them to a side output with onError.',
  });
}

function overdraft(operatorName: string): MillraceError {
  return new MillraceError('OUTPUT_OVERDRAFT', `More than ${limits.overdraftBytesMax} bytes of inputs wait for their turn.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'A checkpoint left more inputs than one subtask may hold: raise the parallelism.',
  });
}
