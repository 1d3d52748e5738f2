/**
 * Work of a task that may take more than one slice, written as a generator: it yields where it must wait.
 *
 * PR1  A procedure goes on only when nothing is parked, so that each of its steps sees the whole effect of the one before.
 * PR2  A procedure never takes a step that emits while the outputs are full: it yields `room` first.
 */
import type { OperatorDescriptor } from '../../graph/types.js';
import { functionError } from '../operators/user-error.js';

/** What is waited for: room (nothing parked, outputs available), or a promise. */
export type Pause = 'room' | Promise<unknown>;
export type Procedure = Generator<Pause, void, void>;

/** Calls an operator; what it throws names it. */
export function callOperator<T>(descriptor: OperatorDescriptor, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw functionError(descriptor.name, error);
  }
}
