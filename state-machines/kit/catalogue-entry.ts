/** How a machine presents itself to the totality check, the pictures and the documentation. */
import type { AnyStateMachine } from 'xstate';

export interface CatalogueEntry {
  /** Folder and file name: `pending-checkpoint`. */
  readonly name: string;
  /** What it decides and for whom, in a sentence or two. */
  readonly summary: string;
  readonly machine: AnyStateMachine;
  /** Every event type; kept complete by the type of the machine's events. */
  readonly events: readonly string[];
  /** Whose table it implements: `JobStatus (Flink)`; for the page. */
  readonly source: string;
}

/** The keys of a record that names every event type once: a missing or extra name does not compile. */
export function eventTypes<Event extends { readonly type: string }>(names: {
  readonly [T in Event['type']]: true;
}): readonly Event['type'][] {
  return Object.keys(names) as Event['type'][];
}
