/** One registered TaskManager: its session, its slots as last known, and the watch on it. */
import type { SlotStatus } from '../../bus/protocol/messages/cluster.js';
import type { AllocationId, JobId, SessionId, TaskManagerId } from '../../core/ids.js';
import { registeredSlotMachine, type RegisteredSlotEffect } from '../../state-machines/registered-slot/registered-slot-machine.js';
import type { HeartbeatMonitor } from '../runtime/heartbeat-monitor.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { TaskManagerOverview } from './overview.js';

export interface RegisteredTaskManagerOptions {
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  readonly host: string;
  readonly pid: number;
  readonly requestSlot: (slot: number, allocation: { readonly jobId: JobId; readonly allocationId: AllocationId }) => void;
  readonly onFreed: (wasGivenBack: boolean) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

type SlotHost = MachineHost<typeof registeredSlotMachine, RegisteredSlotEffect>;

export class RegisteredTaskManager {
  readonly #options: RegisteredTaskManagerOptions;
  readonly #slots = new Map<number, SlotHost>();
  #reported: readonly SlotStatus[] = [];
  /** Slots whose threads could not be started, and until when they are left alone. */
  readonly #heldBack = new Map<number, number>();
  monitor: HeartbeatMonitor | undefined;

  constructor(options: RegisteredTaskManagerOptions, slots: readonly SlotStatus[]) {
    this.#options = options;
    this.report(slots);
  }

  get taskManagerId(): TaskManagerId {
    return this.#options.taskManagerId;
  }

  get sessionId(): SessionId {
    return this.#options.sessionId;
  }

  get total(): number {
    return this.#slots.size;
  }

  /** Takes over what the TaskManager says of its slots; a slot that is being released is not free yet. */
  report(slots: readonly SlotStatus[]): void {
    this.#reported = slots;
    for (const { slot, state, allocationId, jobId } of slots) {
      const host = this.#slots.get(slot) ?? this.#addSlot(slot);
      if (state === 'FREE') host.send({ type: 'REPORTED_FREE' });
      else if (allocationId !== null && jobId !== null) host.send({ type: 'REPORTED_HELD', jobId, allocationId });
    }
  }

  slot(slot: number): SlotHost | undefined {
    return this.#slots.get(slot);
  }

  /** Free slots that are not held back. */
  freeSlots(at: number): readonly number[] {
    for (const [slot, until] of this.#heldBack) if (until <= at) this.#heldBack.delete(slot);
    return [...this.#slots].filter(([slot, host]) => host.state === 'FREE' && !this.#heldBack.has(slot)).map(([slot]) => slot);
  }

  /** The slot is not matched before this time: its thread could not be started. */
  holdBack(slot: number, until: number): void {
    this.#heldBack.set(slot, until);
  }

  /** When the next slot that is held back may be matched. */
  nextRelease(): number | undefined {
    return this.#heldBack.size === 0 ? undefined : Math.min(...this.#heldBack.values());
  }

  /** Slots that a job has, or has been promised. */
  heldBy(jobId: JobId): number {
    return [...this.#slots.values()].filter((host) => host.context.jobId === jobId).length;
  }

  overview(): TaskManagerOverview {
    const { taskManagerId, sessionId, host, pid } = this.#options;
    return { taskManagerId, sessionId, host, pid, slots: [...this.#reported] };
  }

  #addSlot(slot: number): SlotHost {
    const { taskManagerId, requestSlot, onFreed, onTransition, onEffectFailed } = this.#options;
    const host: SlotHost = new MachineHost<typeof registeredSlotMachine, RegisteredSlotEffect>({
      machine: registeredSlotMachine,
      input: undefined,
      name: `${taskManagerId}/${slot}`,
      perform: (effect) => (effect.type === 'requestSlot' ? requestSlot(slot, effect.params) : onFreed(effect.params.wasGivenBack)),
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed,
    });
    this.#slots.set(slot, host);
    return host;
  }
}
