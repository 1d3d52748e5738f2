/**
 * The slots a job holds. Subtask i of every vertex of a slot sharing group runs in slot i of the group, so the pool knows
 * how many slots the job needs and which is for whom.
 *
 * SP1  A slot is accepted only while a place has none; an offer that was accepted before is accepted again.
 * SP2  A place keeps its slot over restarts; a place that lost its slot takes one of the TaskManager that it was on, if
 *      that is on offer.
 * SP3  All slots of one TaskManager belong to one session of it.
 */
import type { AllocationId, SessionId, TaskManagerId } from '../../core/ids.js';
import { executionVertexId, type ExecutionVertexId } from '../../graph/execution-graph.js';
import type { SharedSlot } from '../../graph/slot-sharing.js';

/** A slot of the job. */
export interface PooledSlot {
  readonly allocationId: AllocationId;
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  readonly slot: number;
}

interface Place {
  readonly executions: readonly ExecutionVertexId[];
  slot: PooledSlot | undefined;
  /** Where it was last. */
  lastTaskManager: TaskManagerId | undefined;
}

export class SlotPool {
  readonly #places: readonly Place[];
  readonly #placeOf = new Map<ExecutionVertexId, Place>();

  constructor(sharedSlots: readonly SharedSlot[]) {
    this.#places = sharedSlots.map(({ executions }) => ({
      executions: executions.map(({ vertexId, subtaskIndex }) => executionVertexId(vertexId, subtaskIndex)),
      slot: undefined,
      lastTaskManager: undefined,
    }));
    for (const place of this.#places) for (const subtask of place.executions) this.#placeOf.set(subtask, place);
  }

  /** Slots the job needs in all. */
  get required(): number {
    return this.#places.length;
  }

  /** Slots the job has. */
  get held(): number {
    return this.#places.filter(({ slot }) => slot !== undefined).length;
  }

  slots(): readonly PooledSlot[] {
    return this.#places.flatMap(({ slot }) => slot ?? []);
  }

  slotsOf(taskManagerId: TaskManagerId): readonly PooledSlot[] {
    return this.slots().filter((slot) => slot.taskManagerId === taskManagerId);
  }

  slotOf(subtask: ExecutionVertexId): PooledSlot | undefined {
    return this.#placeOf.get(subtask)?.slot;
  }

  /** Whether each of the subtasks has a slot. */
  hasSlotsFor(subtasks: readonly ExecutionVertexId[]): boolean {
    return subtasks.every((subtask) => this.slotOf(subtask) !== undefined);
  }

  /** Takes those of the offered slots that the job needs (SP1, SP2); answers which. */
  offer(offered: readonly PooledSlot[]): readonly AllocationId[] {
    const accepted: AllocationId[] = [];
    for (const slot of offered) {
      const isHeld = this.#places.some((place) => place.slot?.allocationId === slot.allocationId);
      const place = isHeld ? undefined : this.#placeFor(slot.taskManagerId);
      if (place !== undefined) {
        place.slot = slot;
        place.lastTaskManager = slot.taskManagerId;
      }
      if (isHeld || place !== undefined) accepted.push(slot.allocationId);
    }
    return accepted;
  }

  /** Forgets slots; answers the subtasks whose place they were. */
  lose(isLost: (slot: PooledSlot) => boolean): readonly ExecutionVertexId[] {
    const places = this.#places.filter(({ slot }) => slot !== undefined && isLost(slot));
    for (const place of places) place.slot = undefined;
    return places.flatMap(({ executions }) => executions);
  }

  #placeFor(taskManagerId: TaskManagerId): Place | undefined {
    const open = this.#places.filter(({ slot }) => slot === undefined);
    return (
      open.find((place) => place.lastTaskManager === taskManagerId) ?? open.find((place) => place.lastTaskManager === undefined) ?? open[0]
    );
  }
}
