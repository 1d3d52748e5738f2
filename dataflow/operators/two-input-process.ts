/**
 * Runs process functions on two inputs, whatever their methods and contexts are.
 *
 * TP1  Both inputs, timers and the last word share one collector and the timestamp of what is being processed.
 * TP2  At most one of the pumps holds something: no record comes to the head of a chain while results wait.
 * TP3  What a method throws names the operator.
 * TP4  While a record without a key is processed, or an end of input, no key is current: that of an earlier record must not be
 *      taken for its own.
 * TP5  Keys of the two inputs that can never be equal are an error (KK2).
 */
import { noTimestamp, type Emit, type KeySelector, type Operator, type OperatorContext } from '../contracts.js';
import type { CheckpointedFunction, Collector, Results } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import { FunctionOperator } from './function-operator.js';
import { KeyKinds, watchedKey } from './key-kinds.js';
import { keylessPump, type ResultPump } from './result-pump.js';

type Method = (value: unknown, context: unknown, out: Collector<unknown>) => Results<unknown>;

/** What every function on two inputs may have beside the methods that take records. */
interface TwoInputFunction extends CheckpointedFunction {
  open?(runtime: unknown): void | Promise<void>;
  onTimer?(time: number, context: unknown, out: Collector<unknown>): Results<unknown>;
  endInput?(input: 1 | 2, out: Collector<unknown>): Results<unknown>;
  finish?(out: Collector<unknown>): Results<unknown>;
  close?(): void | Promise<void>;
}

/** Of one input. */
export interface ProcessSide {
  /** Name of the method that takes its records. */
  readonly method: 'processElement' | 'processElement1' | 'processElement2' | 'processBroadcastElement';
  /** Of keyed records. */
  readonly keyOf?: KeySelector;
  /** Its records have no key, though those of the other input have (TP4). */
  readonly isKeyless?: boolean;
}

/** What the methods are called with, made when the operator opens. */
export interface ProcessContexts {
  readonly runtime: unknown;
  readonly first: unknown;
  readonly second: unknown;
  readonly timers?: Readonly<Record<'event' | 'processing', unknown>>;
}

export interface TwoInputProcessOptions {
  /** A function, or what makes one from its runtime context. */
  readonly setup: unknown;
  readonly first: ProcessSide;
  readonly second: ProcessSide;
  /** Sets `cell.keyed` where there are keys. */
  readonly contexts: (cell: ProcessCell, context: OperatorContext) => ProcessContexts;
}

type Run = TwoInputFunction & Readonly<Record<ProcessSide['method'], Method>>;

interface Cell extends ProcessCell<Run> {
  first?: unknown;
  second?: unknown;
}

/** See the head of this file. */
export class TwoInputProcess extends FunctionOperator<Run, Cell> implements Operator {
  readonly #options: TwoInputProcessOptions;
  readonly #pumps: ResultPump<unknown, unknown>[] = [];
  #keylessPump!: ResultPump<never, unknown>;
  #collector!: Collector<unknown>;
  #timers: ProcessContexts['timers'];
  /** Where both inputs have keys. */
  readonly #kinds: KeyKinds | undefined;

  constructor(options: TwoInputProcessOptions) {
    super();
    this.#options = options;
    this.#kinds = options.first.keyOf === undefined || options.second.keyOf === undefined ? undefined : new KeyKinds();
  }

  bind(out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    this.operatorName = context.operatorName;
    this.#collector = createCollector(out, this.cell);
    this.#keylessPump = keylessPump({ out, context, cell: this.cell });
    return this.#bindSide('first', out, context);
  }

  bindSecond(out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    return this.#bindSide('second', out, context);
  }

  open(context: OperatorContext): void | Promise<void> {
    const { cell } = this;
    const { setup, contexts, first: firstSide, second: secondSide } = this.#options;
    const { runtime, first, second, timers } = contexts(cell, context);
    cell.first = first;
    cell.second = second;
    this.#timers = timers;
    return this.openFunction(setup as Run, runtime, [firstSide.method, secondSide.method]);
  }

  onTimer(time: number, domain: 'event' | 'processing'): void {
    const timestamp = domain === 'event' ? time : noTimestamp;
    const results = this.call(timestamp, (run) => run.onTimer?.(time, this.#timers?.[domain], this.#collector));
    this.#pumps[0]?.take(results, timestamp);
  }

  endInputOf(input: 1 | 2): void {
    this.#callWithoutKey((run) => run.endInput?.(input, this.#collector));
  }

  endInput(): void {
    this.#kinds?.end();
  }

  finish(): void {
    this.#callWithoutKey((run) => run.finish?.(this.#collector));
  }

  override close(): void | Promise<void> {
    for (const pump of this.#pumps) pump.close();
    this.#keylessPump?.close();
    return super.close();
  }

  #bindSide(side: 'first' | 'second', out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    const { cell } = this;
    const collector = this.#collector;
    const kinds = this.#kinds;
    const { method, keyOf, isKeyless } = this.#options[side];
    const leaveKey = isKeyless === true ? () => cell.keyed?.leaveKey() : undefined;
    const { accept, pump } = createProcessCall<unknown, unknown>({
      cell,
      out,
      // Results that wait go on under the key they were made for: here, under none.
      context: isKeyless === true ? { ...context, keyed: undefined } : context,
      ...(keyOf === undefined ? {} : { keyOf: kinds === undefined ? keyOf : watchedKey(keyOf, kinds, side === 'first' ? 0 : 1) }),
      process: (value) => {
        leaveKey?.();
        return cell.run?.[method](value, cell[side], collector);
      },
      code: `${isKeyless === true ? '(leaveKey(), ' : '('}cell.run.${method}(value, cell.${side}, collector))`,
      uses: { collector, leaveKey },
    });
    this.#pumps.push(pump);
    return accept;
  }

  /** TP4. */
  #callWithoutKey(call: (run: Run) => Results<unknown>): void {
    this.cell.keyed?.leaveKey();
    this.#keylessPump.take(this.call(noTimestamp, call), noTimestamp);
  }
}
