/**
 * What a window function sees of the window it is called for.
 *
 * FW1  It stays what it is after the call: results may be pulled later, from a function that still looks at its window.
 * FW2  Most functions look at the window alone, so that is all that is made for a call; the rest is made when it is asked for.
 *      Functions taken out of it (`const { output } = context`) work like any others.
 */
import type { OutputTag } from '../functions.js';
import type { WindowContext, WindowStates } from './window-function.js';
import type { Window } from './window.js';

/** What the windows of an operator have in common. */
export interface OfAllWindows extends Pick<WindowContext<Window>, 'currentWatermark' | 'currentProcessingTime' | 'globalState'> {
  /** `namespace` is that of the states of the window; undefined: it can have none. */
  windowStateOf(namespace: number | undefined): WindowStates;
  toSide(tag: { readonly id: string }, value: unknown, timestamp: number): void;
}

/** See the head of this file. */
export class FiredWindow implements WindowContext<Window> {
  readonly window: Window;
  private readonly namespace: number | undefined;
  private readonly shared: OfAllWindows;

  constructor(window: Window, namespace: number | undefined, shared: OfAllWindows) {
    this.window = window;
    this.namespace = namespace;
    this.shared = shared;
  }

  get currentWatermark(): () => number {
    return this.shared.currentWatermark;
  }

  get currentProcessingTime(): () => number {
    return this.shared.currentProcessingTime;
  }

  get globalState(): () => WindowStates {
    return this.shared.globalState;
  }

  get windowState(): () => WindowStates {
    return () => this.shared.windowStateOf(this.namespace);
  }

  get output(): <S>(tag: OutputTag<S>, value: S) => void {
    return (tag, value) => this.shared.toSide(tag, value, this.window.maxTimestamp());
  }
}
