import type { Key } from '../../core/keys.js';
import { keyGroupOf } from '../../graph/key-groups.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { noTimestamp, type Emit, type KeySelector, type Operator, type OperatorContext } from '../contracts.js';
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedProcessSetup,
  OnTimerContext,
  OutputTag,
  Results,
  TimerService,
} from '../functions.js';
import { ResultPump } from './result-pump.js';
import { keyedRuntimeContextOf, keyedStateOf, shownTimestamp, sideOutputsOf } from './runtime-context.js';
import { failFunction } from './user-error.js';

/** Runs a keyed process function: state and timers of the record's key, results, side outputs. */
export function keyedProcessOperator<K extends Key, In, Out>(
  keyOf: (value: In) => K,
  setup: KeyedProcessSetup<K, In, Out>,
): Operator<In, Out> {
  return new KeyedProcessOperator(keyOf as KeySelector<In>, setup);
}

class KeyedProcessOperator<K extends Key, In, Out> implements Operator<In, Out> {
  readonly #keyOf: KeySelector<In>;
  readonly #setup: KeyedProcessSetup<K, In, Out>;
  #keyed!: KeyedStateBackend;
  #run!: KeyedProcessFunction<K, In, Out>;
  #pump!: ResultPump<In, Out>;
  #collector!: Collector<Out>;
  #contexts!: Readonly<Record<'event' | 'processing', OnTimerContext<K>>>;
  #operatorName = '';
  #maxParallelism = 0;
  /** Of the record or timer being processed. */
  #now = noTimestamp;

  constructor(keyOf: KeySelector<In>, setup: KeyedProcessSetup<K, In, Out>) {
    this.#keyOf = keyOf;
    this.#setup = setup;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    this.#operatorName = context.operatorName;
    this.#maxParallelism = context.task.maxParallelism;
    this.#collector = { collect: (value) => void out(value, this.#now) };
    this.#pump = new ResultPump({
      out,
      context,
      process: (value, timestamp) => this.#process(value, timestamp),
      onResume: (timestamp) => void (this.#now = timestamp),
    });
    return this.#pump.accept;
  }

  open(context: OperatorContext): void | Promise<void> {
    this.#keyed = keyedStateOf(context);
    const processContext = this.#contextOf(context);
    this.#contexts = { event: { ...processContext, domain: 'event' }, processing: { ...processContext, domain: 'processing' } };
    const runtime = keyedRuntimeContextOf(context);
    this.#run = typeof this.#setup === 'function' ? this.#setup(runtime) : this.#setup;
    return this.#run.open?.(runtime);
  }

  onTimer(time: number, domain: 'event' | 'processing'): void {
    this.#now = domain === 'event' ? time : noTimestamp;
    let results: Results<Out>;
    try {
      results = this.#run.onTimer?.(time, this.#contexts[domain], this.#collector);
    } catch (error) {
      failFunction(this.#operatorName, error);
    }
    this.#pump.take(results, this.#now);
  }

  close(): void | Promise<void> {
    this.#pump?.close();
    return this.#run?.close?.();
  }

  #process(value: In, timestamp: number): void {
    let results: Results<Out>;
    try {
      const key = this.#keyOf(value);
      this.#keyed.setCurrentKey(key, keyGroupOf(key, this.#maxParallelism));
      this.#now = timestamp;
      results = this.#run.processElement(value, this.#contexts.event, this.#collector);
    } catch (error) {
      failFunction(this.#operatorName, error);
    }
    this.#pump.take(results, timestamp);
  }

  #contextOf(context: OperatorContext): KeyedProcessContext<K> {
    const toSide = sideOutputsOf(context);
    return {
      timestamp: () => shownTimestamp(this.#now),
      time: timersOf(this.#keyed, context),
      currentKey: () => this.#keyed.currentKey() as K,
      output: <T>(tag: OutputTag<T>, value: T) => toSide(tag.id, value, this.#now),
    };
  }
}

function timersOf(keyed: KeyedStateBackend, context: OperatorContext): TimerService {
  return {
    currentProcessingTime: () => context.clock.now(),
    currentWatermark: () => context.currentWatermark(),
    registerEventTimeTimer: (time) => keyed.registerTimer('event', time),
    deleteEventTimeTimer: (time) => keyed.deleteTimer('event', time),
    registerProcessingTimeTimer: (time) => keyed.registerTimer('processing', time),
    deleteProcessingTimeTimer: (time) => keyed.deleteTimer('processing', time),
  };
}
