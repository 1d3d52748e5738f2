/**
 * Runs one machine: event → pure transition → effects, performed in order → their results come back as events.
 *
 * H1  Events are processed one at a time, to completion: an event sent while effects are performed waits its turn.
 * H2  Effects of one transition are performed in the order the machine named them.
 * H3  An effect that throws does not stop the ones after it; it is reported to `onEffectFailed`, never swallowed.
 * H4  A machine that reached a final state takes no more events; they are counted as `late`.
 */
import type { AnyMachineSnapshot, AnyStateMachine, ContextFrom, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate';
import type { Effect } from '../../state-machines/kit/effects.js';
import { stateText } from '../../state-machines/kit/exploration.js';
import { pureTransitionOf } from '../../state-machines/kit/pure-transition.js';

/** One transition, for observers: logs, traces, live state charts. */
export interface TransitionRecord {
  readonly machine: string;
  readonly name: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly effects: readonly string[];
}

export interface MachineHostOptions<M extends AnyStateMachine, E extends Effect> {
  readonly machine: M;
  readonly input: InputFrom<M>;
  /** Of this instance, for people: `job 4f2a`. */
  readonly name: string;
  /** Performs every effect but `ignored`. */
  readonly perform: (effect: Exclude<E, { readonly type: 'ignored' }>, host: MachineHost<M, E>) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown, effect: Effect) => void;
}

export class MachineHost<M extends AnyStateMachine, E extends Effect> {
  readonly #options: MachineHostOptions<M, E>;
  readonly #queue: EventFromLogic<M>[] = [];
  readonly #ignored = new Map<string, number>();
  #snapshot: SnapshotFrom<M>;
  #isBusy = false;

  /** Enters the initial state and performs its effects. */
  constructor(options: MachineHostOptions<M, E>) {
    this.#options = options;
    const [snapshot, actions] = pureTransitionOf(options.machine).initial(options.input);
    this.#snapshot = snapshot as SnapshotFrom<M>;
    this.#isBusy = true;
    this.#performAll(actions, '(start)');
    this.#isBusy = false;
    this.#drain();
  }

  /** State value as text: `restarting.cancelling`. */
  get state(): string {
    return stateText((this.#snapshot as { value: unknown }).value);
  }

  get context(): ContextFrom<M> {
    return (this.#snapshot as { context: ContextFrom<M> }).context;
  }

  get isDone(): boolean {
    return (this.#snapshot as { status: string }).status !== 'active';
  }

  /** How often events were ignored, by `STATE EVENT reason`. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#ignored;
  }

  send(event: EventFromLogic<M>): void {
    this.#queue.push(event);
    if (!this.#isBusy) this.#drain();
  }

  #drain(): void {
    this.#isBusy = true;
    try {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#process(event);
    } finally {
      this.#isBusy = false;
    }
  }

  #process(event: EventFromLogic<M>): void {
    const type = (event as { type: string }).type;
    if (this.isDone) {
      this.#count(type, 'late');
      return;
    }
    const from = this.state;
    const [next, actions] = pureTransitionOf(this.#options.machine).next(this.#snapshot as AnyMachineSnapshot, event as { type: string });
    this.#snapshot = next as SnapshotFrom<M>;
    this.#options.onTransition?.({
      machine: this.#options.machine.id,
      name: this.#options.name,
      event: type,
      from,
      to: this.state,
      effects: actions.map((action) => action.type),
    });
    this.#performAll(actions, type);
  }

  #performAll(actions: readonly { readonly type: string; readonly params: unknown }[], event: string): void {
    for (const { type, params } of actions) {
      if (type === 'ignored') {
        this.#count(event, (params as { reason: string }).reason);
        continue;
      }
      const effect: Effect = { type, params };
      try {
        this.#options.perform(effect as Exclude<E, { readonly type: 'ignored' }>, this);
      } catch (error) {
        this.#options.onEffectFailed(error, effect);
      }
    }
  }

  #count(event: string, reason: string): void {
    const key = `${this.state} ${event} ${reason}`;
    this.#ignored.set(key, (this.#ignored.get(key) ?? 0) + 1);
  }
}
