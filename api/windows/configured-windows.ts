/** What is said of the windows of a stream, or of a join, before their function. */
import type { OutputTag } from '../../dataflow/functions.js';
import type { Evictor } from '../../dataflow/windows/evictors/evictor.js';
import type { Trigger } from '../../dataflow/windows/triggers/trigger.js';
import type { Window } from '../../dataflow/windows/window.js';
import type { Duration } from '../duration.js';
import { assertTag } from '../output-tags.js';
import { type WindowSettings, withEvictor, withLateness, withTrigger } from './window-settings.js';

/**
 * Windows that wait for their function: when they fire, what they keep, how late records may come. Never changed: each setting
 * gives new ones (WS1).
 */
export abstract class ConfiguredWindows<Input, T, W extends Window> {
  protected readonly input: Input;
  protected readonly settings: WindowSettings<T, W>;

  constructor(input: Input, settings: WindowSettings<T, W>) {
    this.input = input;
    this.settings = settings;
  }

  /** When windows fire, instead of at their end. */
  trigger(trigger: Trigger<T, W>): this {
    return this.#with(withTrigger(this.settings, trigger));
  }

  /** What leaves windows before or after their function. All records are kept then, in each of their windows. */
  evictor(evictor: Evictor<T, W>): this {
    return this.#with(withEvictor(this.settings, evictor));
  }

  /** How long after its end a window still takes records, each of which fires it again. Event time only. */
  allowedLateness(lateness: Duration): this {
    return this.#with(withLateness(this.settings, lateness));
  }

  /** Records that come too late go to this side output of the result, instead of being counted and dropped. */
  sideOutputLateData(tag: OutputTag<T>): this {
    assertTag(tag, 'sideOutputLateData');
    return this.#with({ ...this.settings, lateTag: tag });
  }

  #with(settings: WindowSettings<T, W>): this {
    const Same = this.constructor as new (input: Input, settings: WindowSettings<T, W>) => this;
    return new Same(this.input, settings);
  }
}
