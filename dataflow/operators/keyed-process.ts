import type { Key } from '../../core/keys.js';
import { noTimestamp, type Emit, type KeySelector, type Operator, type OperatorContext } from '../contracts.js';
import type { Collector, KeyedProcessContext, KeyedProcessFunction, KeyedProcessSetup, OnTimerContext, Results } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import { FunctionOperator } from './function-operator.js';
import { keyedProcessContextOf, timerContextsOf } from './process-context.js';
import { keylessPump, type ResultPump } from './result-pump.js';
import { keyedRuntimeContextOf, keyedStateOf } from './runtime-context.js';
import { failFunction } from './user-error.js';

/** Runs a keyed process function: state and timers of the record's key, results, side outputs. */
export function keyedProcessOperator<K extends Key, In, Out>(
  keyOf: (value: In) => K,
  setup: KeyedProcessSetup<K, In, Out>,
): Operator<In, Out> {
  return new KeyedProcessOperator(keyOf as KeySelector<In>, setup);
}

class KeyedProcessOperator<K extends Key, In, Out>
  extends FunctionOperator<KeyedProcessFunction<K, In, Out>, KeyedCell<K, In, Out>>
  implements Operator<In, Out>
{
  readonly #keyOf: KeySelector<In>;
  readonly #setup: KeyedProcessSetup<K, In, Out>;
  #pump!: ResultPump<In, Out>;
  /** Of results that belong to no key. */
  #keylessPump!: ResultPump<never, Out>;
  #collector!: Collector<Out>;
  #timerContexts!: Readonly<Record<'event' | 'processing', OnTimerContext<K>>>;

  constructor(keyOf: KeySelector<In>, setup: KeyedProcessSetup<K, In, Out>) {
    super();
    this.#keyOf = keyOf;
    this.#setup = setup;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    const { cell } = this;
    const collector = createCollector(out, cell);
    this.operatorName = context.operatorName;
    this.#collector = collector;
    const { accept, pump } = createProcessCall<In, Out>({
      cell,
      out,
      context,
      keyOf: this.#keyOf,
      process: (value) => cell.run?.processElement(value, cell.context as KeyedProcessContext<K>, collector),
      code: 'cell.run.processElement(value, cell.context, collector)',
      uses: { collector },
    });
    this.#pump = pump;
    this.#keylessPump = keylessPump({ out, context, cell });
    return accept;
  }

  open(context: OperatorContext): void | Promise<void> {
    const { cell } = this;
    cell.keyed = keyedStateOf(context);
    cell.context = keyedProcessContextOf<K>(cell, context, cell.keyed);
    this.#timerContexts = timerContextsOf(cell.context);
    return this.openFunction(this.#setup, keyedRuntimeContextOf(context), ['processElement']);
  }

  /** Written out: a timer costs no closure. */
  onTimer(time: number, domain: 'event' | 'processing'): void {
    const { cell } = this;
    cell.now = domain === 'event' ? time : noTimestamp;
    let results: Results<Out>;
    try {
      results = cell.run?.onTimer?.(time, this.#timerContexts[domain], this.#collector);
    } catch (error) {
      failFunction(this.operatorName, error);
    }
    this.#pump.take(results, cell.now);
  }

  endInput(): void {
    this.cell.keyed?.leaveKey();
    const results = this.call(noTimestamp, (run) => run.endInput?.(this.#collector));
    this.#keylessPump.take(results, noTimestamp);
  }

  override close(): void | Promise<void> {
    this.#pump?.close();
    this.#keylessPump?.close();
    return super.close();
  }
}

interface KeyedCell<K extends Key, In, Out> extends ProcessCell<KeyedProcessFunction<K, In, Out>> {
  context?: KeyedProcessContext<K>;
}
