/** Model tests: all states that events can lead to by shortest paths, and long random walks, with invariants checked on each step. */
import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';
import type { Effect } from './effects.js';

/** One step of a machine. */
export interface Step {
  readonly event: EventObject;
  readonly from: AnyMachineSnapshot;
  readonly to: AnyMachineSnapshot;
  readonly effects: readonly Effect[];
}

/** Throws when a step breaks a rule. */
export type Invariant = (step: Step) => void;

export interface ExplorationOptions {
  readonly input?: unknown;
  /** The events to try in a state: a function when they depend on it. */
  readonly events: readonly EventObject[] | ((snapshot: AnyMachineSnapshot) => readonly EventObject[]);
  readonly invariant?: Invariant;
  /** What makes two snapshots the same; by default value and context. */
  readonly identify?: (snapshot: AnyMachineSnapshot) => string;
}

export interface Exploration {
  /** Distinct snapshots reached. */
  readonly snapshots: number;
  /** State values reached, as text, sorted. */
  readonly states: readonly string[];
  /** Distinct `from → to` pairs by event, as `RUNNING --CANCEL--> CANCELLING`, sorted; self-transitions left out. */
  readonly transitions: readonly string[];
  /** Whether the bound ended the search. */
  readonly isTruncated: boolean;
}

/** Text of a state value: `restarting.cancelling`. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([key, below]) => `${key}.${stateText(below)}`)
    .join(' & ');
}

/** Applies one event; the effects come back as data. */
export function step(machine: AnyStateMachine, from: AnyMachineSnapshot, event: EventObject): Step {
  const [to, actions] = transition(machine, from as never, event as never);
  return { event, from, to: to as AnyMachineSnapshot, effects: actions.map(({ type, params }) => ({ type, params })) };
}

/** Breadth-first over all events from the initial state: every snapshot is reached by a shortest path. */
export function exploreShortestPaths(
  machine: AnyStateMachine,
  options: ExplorationOptions & { readonly snapshotsMax?: number },
): Exploration {
  const snapshotsMax = options.snapshotsMax ?? 5_000;
  const identify = options.identify ?? ((snapshot: AnyMachineSnapshot) => JSON.stringify([snapshot.value, snapshot.context]));
  const [initial] = initialTransition(machine, options.input as never);
  const queue: AnyMachineSnapshot[] = [initial as AnyMachineSnapshot];
  const seen = new Set([identify(initial as AnyMachineSnapshot)]);
  const states = new Set([stateText(initial.value)]);
  const transitions = new Set<string>();
  let isTruncated = false;
  for (let at = 0; at < queue.length; at++) {
    const from = queue[at] as AnyMachineSnapshot;
    if (from.status !== 'active') continue;
    for (const event of eventsOf(options, from)) {
      const taken = step(machine, from, event);
      options.invariant?.(taken);
      const [before, after] = [stateText(from.value), stateText(taken.to.value)];
      states.add(after);
      if (before !== after) transitions.add(`${before} --${event.type}--> ${after}`);
      const identity = identify(taken.to);
      if (seen.has(identity)) continue;
      if (seen.size >= snapshotsMax) {
        isTruncated = true;
        continue;
      }
      seen.add(identity);
      queue.push(taken.to);
    }
  }
  return { snapshots: seen.size, states: [...states].sort(), transitions: [...transitions].sort(), isTruncated };
}

/** `walks` random sequences of at most `steps` events; starts over when the machine is done. `next` is uniform in [0, 1). */
export function walkRandomly(
  machine: AnyStateMachine,
  options: ExplorationOptions & { readonly walks: number; readonly steps: number; readonly next: () => number },
): { readonly steps: number } {
  let steps = 0;
  for (let walk = 0; walk < options.walks; walk++) {
    const [initial] = initialTransition(machine, options.input as never);
    let at = initial as AnyMachineSnapshot;
    for (let n = 0; n < options.steps && at.status === 'active'; n++) {
      const events = eventsOf(options, at);
      const event = events[Math.floor(options.next() * events.length)] as EventObject;
      const taken = step(machine, at, event);
      options.invariant?.(taken);
      at = taken.to;
      steps++;
    }
  }
  return { steps };
}

function eventsOf(options: ExplorationOptions, snapshot: AnyMachineSnapshot): readonly EventObject[] {
  return typeof options.events === 'function' ? options.events(snapshot) : options.events;
}
