/**
 * One slot of the TaskManager: the slot machine decides, its thread and the job are told. TS1–TS6 stand in
 * `state-machines/task-slot`.
 */
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AllocationId, JobId } from '../../core/ids.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { SlotStatus } from '../../bus/protocol/messages/cluster.js';
import { taskSlotMachine, type TaskSlotEffect, type TaskSlotEvent } from '../../state-machines/task-slot/task-slot-machine.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import { slotNotStarted, type SlotProcess } from './slot-process.js';

/** What a slot needs of its TaskManager. */
export interface TaskSlotOptions {
  readonly slot: number;
  readonly slotTimeoutMs: number;
  readonly offerRetryMs: number;
  readonly clock: Clock;
  readonly startProcess: (jobId: JobId, allocationId: AllocationId, onEnded: (error: ErrorRecord) => void) => SlotProcess;
  /** Offers the slot to the job; `failed`: the job did not answer. */
  readonly offer: (slot: number, jobId: JobId, allocationId: AllocationId, offerId: number) => Promise<'accepted' | 'rejected' | 'failed'>;
  readonly reportSlotFailed: (slot: number, jobId: JobId, allocationId: AllocationId, error: ErrorRecord) => void;
  /** `startFailures`: how often in a row its thread could not be started. */
  readonly announceFree: (slot: number, jobId: JobId, allocationId: AllocationId, startFailures: number) => void;
  /** The slot became ACTIVE for its job, or is not any more. */
  readonly onChanged: () => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

export class TaskSlot {
  readonly slot: number;
  readonly #options: TaskSlotOptions;
  readonly #host: MachineHost<typeof taskSlotMachine, TaskSlotEffect>;
  #process: SlotProcess | undefined;
  #startFailures = 0;
  #offerTimer: TimerHandle | undefined;
  #timeout: TimerHandle | undefined;

  constructor(options: TaskSlotOptions) {
    this.slot = options.slot;
    this.#options = options;
    this.#host = new MachineHost<typeof taskSlotMachine, TaskSlotEffect>({
      machine: taskSlotMachine,
      input: { slot: options.slot, slotTimeoutMs: options.slotTimeoutMs, offerRetryMs: options.offerRetryMs },
      name: `slot ${options.slot}`,
      perform: (effect) => this.#perform(effect),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: options.onEffectFailed,
    });
  }

  get state(): SlotStatus['state'] {
    return this.#host.state.split('.')[0] as SlotStatus['state'];
  }

  get jobId(): JobId | null {
    return this.#host.context.jobId === '' ? null : (this.#host.context.jobId as JobId);
  }

  get allocationId(): AllocationId | null {
    return this.#host.context.allocationId === '' ? null : (this.#host.context.allocationId as AllocationId);
  }

  /** Undefined while the slot is FREE. */
  get process(): SlotProcess | undefined {
    return this.#process;
  }

  get ignored(): ReadonlyMap<string, number> {
    return this.#host.ignored;
  }

  status(): SlotStatus {
    return { slot: this.slot, state: this.state, allocationId: this.allocationId, jobId: this.jobId };
  }

  allocate(jobId: JobId, allocationId: AllocationId): void {
    this.#send({ type: 'ALLOCATE', jobId, allocationId });
  }

  /** A deployment for this allocation came in. */
  deployReceived(allocationId: AllocationId): void {
    this.#send({ type: 'DEPLOY_RECEIVED', allocationId });
  }

  jobLost(reason: string): void {
    this.#send({ type: 'JOB_LOST', reason });
  }

  free(allocationId: AllocationId, reason: string): void {
    this.#send({ type: 'FREE', allocationId, reason });
  }

  #send(event: TaskSlotEvent): void {
    const before = this.state;
    this.#host.send(event);
    if (this.state !== before) this.#options.onChanged();
  }

  #perform(effect: Exclude<TaskSlotEffect, { readonly type: 'ignored' }>): void {
    const { clock, announceFree, reportSlotFailed } = this.#options;
    switch (effect.type) {
      case 'startThread':
        return this.#start(effect.params.jobId as JobId, effect.params.allocationId as AllocationId);
      case 'offer':
        return this.#offer(effect.params.jobId as JobId, effect.params.allocationId as AllocationId, effect.params.offerId);
      case 'scheduleOffer': {
        const { offerId, delayMs } = effect.params;
        this.#offerTimer?.cancel();
        this.#offerTimer = clock.setTimer(delayMs, () => this.#send({ type: 'OFFER_DUE', offerId }));
        return undefined;
      }
      case 'watchTimeout': {
        const { timer, delayMs } = effect.params;
        this.#timeout?.cancel();
        this.#timeout = clock.setTimer(delayMs, () => this.#send({ type: 'SLOT_TIMED_OUT', timer }));
        return undefined;
      }
      case 'cancelTimers':
        this.#offerTimer?.cancel();
        this.#timeout?.cancel();
        return undefined;
      case 'failTasks':
        return this.#process?.failTasks(jobLost(effect.params.reason));
      case 'stopThread':
        return this.#process?.stop(slotFreed(this.slot, effect.params.reason));
      case 'reportSlotFailed':
        return reportSlotFailed(this.slot, effect.params.jobId as JobId, effect.params.allocationId as AllocationId, effect.params.error);
      case 'announceFree':
        return announceFree(this.slot, effect.params.jobId as JobId, effect.params.allocationId as AllocationId, this.#startFailures);
    }
  }

  #start(jobId: JobId, allocationId: AllocationId): void {
    this.#process = this.#options.startProcess(jobId, allocationId, (error) => {
      this.#process = undefined;
      this.#startFailures = error.code === slotNotStarted ? this.#startFailures + 1 : 0;
      this.#send({ type: 'THREAD_ENDED', allocationId, error });
    });
  }

  #offer(jobId: JobId, allocationId: AllocationId, offerId: number): void {
    this.#options.offer(this.slot, jobId, allocationId, offerId).then((answer) => {
      const type = ({ accepted: 'OFFER_ACCEPTED', rejected: 'OFFER_REJECTED', failed: 'OFFER_FAILED' } as const)[answer];
      this.#send({ type, offerId });
    }, this.#options.onEffectFailed);
  }
}

function jobLost(reason: string): ErrorRecord {
  return toErrorRecord(new MillraceError('JOB_LOST', `the TaskManager lost the job: ${reason}`, { recovery: 'restart-job' }));
}

function slotFreed(slot: number, reason: string): ErrorRecord {
  return toErrorRecord(new MillraceError('SLOT_FREED', `slot ${slot} was freed: ${reason}`, { recovery: 'restart-job' }));
}
