/**
 * An operator behind a policy for errors (EP1 to EP4).
 *
 * GO1  While the operator works on a record or a timer, what it hands on is gathered; it leaves once the call succeeded, as
 *      far as outputs have room. At most `limits.overdraftBytesMax` are gathered for one call.
 * GO2  Whatever else happens to the operator (watermarks, snapshots, its end) happens to it as without a policy.
 * GO3  A part of that work may be guarded by itself (`attempt`): then its failure is dealt with there, and the rest stands.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { keyHashOf } from '../../core/keys.js';
import type { Emit, KeySelector, Operator, OperatorContext } from '../contracts.js';
import { isPolicyMatter, letterError, type DeadLetter, type ErrorPolicySettings } from '../error-policy.js';
import { noTimestamp } from '../contracts.js';
import type { MetricCounter } from '../metrics.js';
import { approximateBytes } from '../records/copy-record.js';
import { ResultPump } from './result-pump.js';
import { shownTimestamp } from './runtime-context.js';

/**
 * The operator with a policy: one that looks after failures itself is told of it. `keySelector`: of records whose key the
 * operator does not make itself, and for which it is to find out when there is none (EP3).
 */
export function guardedOperator(operator: Operator, policy: ErrorPolicySettings, keySelector?: KeySelector): Operator {
  if (operator.takePolicy !== undefined) {
    operator.takePolicy(policy);
    return operator;
  }
  return guard(operator, new GuardedCalls(policy, keySelector));
}

/** Something handed on, and by which output. */
interface Gathered {
  readonly emit: Emit<unknown>;
  readonly value: unknown;
  readonly timestamp: number;
  readonly keyHash: number | undefined;
}

/** Every hook but those that are guarded: one that is added to operators must be dealt with here. */
type PassedOn = {
  readonly [Hook in keyof Omit<Required<Operator>, GuardedHook>]: Operator[Hook] | undefined;
};

type GuardedHook = 'bind' | 'bindSecond' | 'open' | 'onTimer' | 'stage' | 'takePolicy' | 'takeCount';

function guard(operator: Operator, calls: GuardedCalls): Operator {
  const passedOn: PassedOn = {
    holdsTime: operator.holdsTime,
    time: operator.time,
    onIdle: operator.onIdle?.bind(operator),
    onWatermark: operator.onWatermark?.bind(operator),
    endInputOf: operator.endInputOf?.bind(operator),
    endInput: operator.endInput?.bind(operator),
    finish: operator.finish?.bind(operator),
    prepareSnapshot: operator.prepareSnapshot?.bind(operator),
    snapshot: operator.snapshot?.bind(operator),
    checkpointCompleted: operator.checkpointCompleted?.bind(operator),
    checkpointAborted: operator.checkpointAborted?.bind(operator),
    close: () => {
      calls.close();
      return operator.close?.();
    },
  };
  const { bindSecond, onTimer } = operator;
  const guarded = {
    ...passedOn,
    open: (context: OperatorContext) => {
      calls.open(context);
      return operator.open?.(calls.contextOf(context));
    },
    takeCount: (counted: (take: Emit<unknown>) => Emit<unknown>) => calls.takeCount(counted),
    bind: (out: Emit<unknown>, context: OperatorContext) =>
      calls.bind(context, () => operator.bind(calls.gathering(out), calls.contextOf(context))),
    ...(bindSecond === undefined
      ? {}
      : {
          bindSecond: (out: Emit<unknown>, context: OperatorContext) =>
            calls.bind(context, () => bindSecond.call(operator, calls.gathering(out), calls.contextOf(context)) as Emit<unknown>),
        }),
    ...(onTimer === undefined
      ? {}
      : {
          onTimer: (time: number, domain: 'event' | 'processing', namespace: number) =>
            calls.timer(time, domain, () => onTimer.call(operator, time, domain, namespace)),
        }),
  };
  return guarded as Operator;
}

/** The guarded calls of one operator. */
class GuardedCalls {
  readonly #policy: ErrorPolicySettings;
  readonly #keySelector: KeySelector | undefined;
  #counted: (take: Emit<unknown>) => Emit<unknown> = (take) => take;
  #context: OperatorContext | undefined;
  #inner: OperatorContext | undefined;
  #pump: ResultPump<unknown, Gathered> | undefined;
  #retries: MetricCounter | undefined;
  #deadLetters: MetricCounter | undefined;
  /** Of the call under way; undefined between calls (GO1). */
  #gathered: Gathered[] | undefined;
  #gatheredBytes = 0;

  constructor(policy: ErrorPolicySettings, keySelector: KeySelector | undefined) {
    this.#policy = policy;
    this.#keySelector = keySelector;
  }

  /** Of a sink (EP5). */
  takeCount(counted: (take: Emit<unknown>) => Emit<unknown>): void {
    this.#counted = counted;
  }

  open({ metrics }: OperatorContext): void {
    this.#retries = metrics.counter('retries');
    if (this.#policy.deadLetter !== undefined) this.#deadLetters = metrics.counter('deadLetters');
  }

  /** The operator's view of its task: while it is called there is always room. */
  contextOf(context: OperatorContext): OperatorContext {
    this.#inner ??= {
      ...context,
      sideOutput: (tag) => this.gathering(context.sideOutput(tag)),
      attempt: (call, time) => this.#attempt(call, time),
      isOutputAvailable: () => this.#gathered !== undefined || context.isOutputAvailable(),
    };
    return this.#inner;
  }

  /** The same output, for what is handed on in a call. */
  gathering(emit: Emit<unknown>): Emit<unknown> {
    return (value, timestamp, keyHash) => {
      if (this.#gathered === undefined) {
        emit(value, timestamp, keyHash);
        return;
      }
      this.#gatheredBytes += approximateBytes(value);
      if (this.#gatheredBytes > limits.overdraftBytesMax) throw this.#overdraft();
      this.#gathered.push({ emit, value, timestamp, keyHash });
    };
  }

  bind(context: OperatorContext, bindInner: () => Emit<unknown>): Emit<unknown> {
    const accept = this.#counted(this.#withKey(bindInner()));
    const isKeyed = context.keyed !== undefined;
    this.#context = context;
    const pump = new ResultPump<unknown, Gathered>({
      context,
      out: ({ emit, value, timestamp, keyHash }) => emit(value, timestamp, keyHash),
      process: (...record) => take(...record),
      onResume: () => undefined,
    });
    const take: Emit<unknown> = (value, timestamp, keyHash) => {
      if (pump.waitingCount > 0) {
        pump.defer(value, timestamp, keyHash);
        return;
      }
      // Without the hash the operator makes it anew, and finds out when there is no key (EP3).
      const call = (): void => accept(value, timestamp, isKeyed ? undefined : keyHash);
      const results = this.#call(call, timestamp, () => ({ value }));
      if (results.length > 0) pump.take(results, timestamp);
    };
    this.#pump ??= pump;
    return take;
  }

  /** EP3. */
  #withKey(accept: Emit<unknown>): Emit<unknown> {
    const keySelector = this.#keySelector;
    if (keySelector === undefined) return accept;
    return (value, timestamp, keyHash) => {
      keyHashOf(keySelector(value));
      accept(value, timestamp, keyHash);
    };
  }

  timer(time: number, domain: 'event' | 'processing', call: () => void): void {
    const timestamp = domain === 'event' ? time : noTimestamp;
    const key = this.#context?.keyed?.currentKey();
    this.#pump?.take(
      this.#call(call, timestamp, () => ({ value: null, timer: { time, key } })),
      timestamp,
    );
  }

  close(): void {
    this.#pump?.close();
  }

  /** A call within a call (GO3): what it hands on joins what was gathered before it. */
  #attempt(call: () => void, time: number): void {
    const before = this.#gathered;
    const bytesBefore = this.#gatheredBytes;
    const key = this.#context?.keyed?.currentKey();
    const about = () => ({ value: null, timer: { time, key } });
    try {
      const results = this.#call(call, time, about);
      if (before === undefined) this.#pump?.take(results, time);
      else before.push(...results);
    } finally {
      this.#gathered = before;
      this.#gatheredBytes += bytesBefore;
    }
  }

  /** What one call hands on, after as many tries as the policy has. */
  #call(call: () => void, timestamp: number, about: () => Pick<DeadLetter, 'value' | 'timer'>): readonly Gathered[] {
    for (let attempt = 0; ; attempt += 1) {
      const gathered: Gathered[] = [];
      this.#gathered = gathered;
      this.#gatheredBytes = 0;
      try {
        call();
        return gathered;
      } catch (error) {
        if (!isPolicyMatter(error)) throw error;
        if (attempt < this.#policy.attempts) this.#retries?.increment();
        else return [this.#letter(error, timestamp, about())];
      } finally {
        this.#gathered = undefined;
      }
    }
  }

  /** EP2. */
  #letter(error: unknown, timestamp: number, about: Pick<DeadLetter, 'value' | 'timer'>): Gathered {
    const { deadLetter } = this.#policy;
    const context = this.#context as OperatorContext;
    if (deadLetter === undefined) throw error;
    this.#deadLetters?.increment();
    const value: DeadLetter = {
      ...about,
      operator: context.operatorName,
      error: letterError(error),
      timestamp: shownTimestamp(timestamp) ?? null,
    };
    return { emit: context.sideOutput(deadLetter), value, timestamp, keyHash: undefined };
  }

  #overdraft(): MillraceError {
    return new MillraceError('OUTPUT_OVERDRAFT', `More than ${limits.overdraftBytesMax} bytes of results were handed on for one record.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context?.operatorName ?? 'unknown',
      hint: 'An operator with onError gathers the results of a record until its function has succeeded: make fewer, or do without onError.',
    });
  }
}
