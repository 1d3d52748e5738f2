/** A trigger alone, with the state and timers of its windows, and a watermark and a clock to move. */
import { noTimestamp } from '../../../dataflow/contracts.js';
import type { FoldedState, MergeContext, Trigger, TriggerResult } from '../../../dataflow/windows/triggers/trigger.js';
import { TimeWindow, type Window } from '../../../dataflow/windows/window.js';
import type { ValueState } from '../../../storage/state/contracts.js';

interface Timer {
  readonly domain: 'event' | 'processing';
  readonly time: number;
}

export class TriggerRoom<T> {
  watermark = noTimestamp;
  now = 0;
  readonly trigger: Trigger<T, Window>;
  readonly window: Window;
  readonly state = new Map<string, unknown>();
  timers: Timer[] = [];

  constructor(trigger: Trigger<T, Window>, window: Window = new TimeWindow(0, 100)) {
    this.trigger = trigger;
    this.window = window;
  }

  element(value: T, timestamp = 0): TriggerResult {
    return this.trigger.onElement(value, timestamp, this.window, this.context());
  }

  /** What the timers due at a watermark answer, with their times. */
  advance(watermark: number): string[] {
    this.watermark = watermark;
    return this.#fire('event', watermark);
  }

  tick(now: number): string[] {
    this.now = now;
    return this.#fire('processing', now);
  }

  clear(): void {
    this.trigger.clear(this.window, this.context());
  }

  merge(...others: readonly TriggerRoom<T>[]): void {
    this.trigger.onMerge?.(this.window, this.context(others));
    for (const other of others) other.clear();
  }

  times(domain: Timer['domain']): number[] {
    return this.timers.filter((timer) => timer.domain === domain).map(({ time }) => time);
  }

  context(others: readonly TriggerRoom<T>[] = []): MergeContext {
    const { state } = this;
    const valueState = <V>(name: string): ValueState<V> => ({
      value: () => state.get(name) as V | undefined,
      update: (value) => void state.set(name, value),
      clear: () => void state.delete(name),
    });
    const foldedState = <V>(name: string, fold: (one: V, other: V) => V): FoldedState<V> => ({
      get: () => state.get(name) as V | undefined,
      add: (value) => void state.set(name, state.has(name) ? fold(state.get(name) as V, value) : value),
      clear: () => void state.delete(name),
    });
    const add = (domain: Timer['domain'], time: number): void => {
      this.#remove(domain, time);
      this.timers.push({ domain, time });
    };
    return {
      currentWatermark: () => this.watermark,
      currentProcessingTime: () => this.now,
      registerEventTimeTimer: (time) => add('event', time),
      deleteEventTimeTimer: (time) => this.#remove('event', time),
      registerProcessingTimeTimer: (time) => add('processing', time),
      deleteProcessingTimeTimer: (time) => this.#remove('processing', time),
      valueState,
      foldedState,
      mergeState: (name, fold) => {
        for (const other of others) if (other.state.has(name)) foldedState(name, fold).add(other.state.get(name) as never);
      },
    };
  }

  #remove(domain: Timer['domain'], time: number): void {
    this.timers = this.timers.filter((timer) => timer.domain !== domain || timer.time !== time);
  }

  #fire(domain: Timer['domain'], until: number): string[] {
    const fired: string[] = [];
    for (;;) {
      const due = this.times(domain)
        .filter((time) => time <= until)
        .sort((left, right) => left - right)[0];
      if (due === undefined) return fired;
      this.#remove(domain, due);
      const call = domain === 'event' ? this.trigger.onEventTime : this.trigger.onProcessingTime;
      fired.push(`${due} ${call(due, this.window, this.context())}`);
    }
  }
}
