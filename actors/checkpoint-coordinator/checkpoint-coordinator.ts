/**
 * Takes the checkpoints of one job: performs what the coordinator's machine and the machines of pending checkpoints decide.
 *
 * CC6  A checkpoint is confirmed to tasks only after the store has moved its pointer (PC1).
 * CC7  Whatever a task sends about a checkpoint that is not pending changes nothing; it is counted.
 * CC8  `restorePoint` waits for pointer moves under way, so that every restore sees the store's latest checkpoint.
 */
import type { Endpoint, Handlers } from '../../bus/endpoint-contract.js';
import type { JobStatus } from '../../bus/protocol/schemas.js';
import { type ErrorRecord, MillraceError, toErrorRecord } from '../../core/errors.js';
import { checkpointId as asCheckpointId, type AttemptId, type CheckpointId } from '../../core/ids.js';
import type { CorePorts, TimerHandle } from '../../core/ports.js';
import type { CheckpointSettings } from '../../graph/types.js';
import {
  checkpointCoordinatorMachine,
  type CheckpointCoordinatorEffect,
} from '../../state-machines/checkpoint-coordinator/checkpoint-coordinator-machine.js';
import type { CheckpointFailureReason } from '../../state-machines/pending-checkpoint/pending-checkpoint-machine.js';
import type { JobCheckpointLedger } from '../../storage/checkpoints/checkpoint-store.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { CheckpointHooks, CheckpointHost, ExecutionView } from '../scheduler/checkpointing.js';
import { CheckpointCalls } from './checkpoint-calls.js';
import { completedCheckpoint, countedSnapshot } from './checkpoint-content.js';
import { expired, tooManyFailures } from './checkpoint-failures.js';
import { CompletedCheckpoints } from './completed-checkpoints.js';
import { PendingCheckpoint } from './pending-checkpoint.js';

export interface CheckpointCoordinatorOptions extends Pick<CorePorts, 'clock' | 'random' | 'logger'> {
  readonly host: CheckpointHost;
  readonly endpoint: Endpoint;
  readonly ledger: JobCheckpointLedger;
  /** `intervalMs` must be set: a job without checkpoints has no coordinator. */
  readonly settings: CheckpointSettings & { readonly intervalMs: number };
  /** The latest completed checkpoint when this leader took over, or what the job starts from. */
  readonly restore: CompletedCheckpoint | undefined;
  /** The store refused a write because a later leader exists. */
  readonly onFenced: (error: MillraceError) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly testSwitches?: CoordinatorTestSwitches;
}

/** Guards that a test may break on purpose, to see that the checkers notice. */
export interface CoordinatorTestSwitches {
  /** A failover leaves pending checkpoints open, so that acknowledgements of the attempts before it still count. */
  readonly isOldAttemptAccepted?: boolean;
}

/** See the head of this file. */
export class CheckpointCoordinator implements CheckpointHooks {
  readonly #options: CheckpointCoordinatorOptions;
  readonly #machine: MachineHost<typeof checkpointCoordinatorMachine, CheckpointCoordinatorEffect>;
  readonly #pending = new Map<number, PendingCheckpoint>();
  readonly #endOfData = new Set<AttemptId>();
  readonly #completed: CompletedCheckpoints;
  readonly #calls: CheckpointCalls;
  #tick: TimerHandle | undefined;
  /** Why the latest checkpoint that failed did, as far as anybody told. */
  #failure: ErrorRecord | undefined;
  #isRunning = false;
  #unexpected = 0;

  constructor(options: CheckpointCoordinatorOptions) {
    this.#options = options;
    const { host, settings } = options;
    this.#completed = new CompletedCheckpoints({ ...options, jobId: host.jobId, retained: settings.retained });
    this.#calls = new CheckpointCalls(options);
    this.#machine = new MachineHost<typeof checkpointCoordinatorMachine, CheckpointCoordinatorEffect>({
      machine: checkpointCoordinatorMachine,
      input: options.settings,
      name: options.host.jobId,
      perform: (effect) => this.#perform(effect),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: (error, effect) => this.#failInternally(error, effect.type),
    });
  }

  /** Messages about checkpoints that were not pending, or of attempts that no longer count. */
  get unexpectedCount(): number {
    return this.#unexpected;
  }

  handlers(): Handlers {
    return {
      'checkpoint.acknowledged': (body) => {
        const pending = this.#pending.get(body.checkpointId);
        if (pending === undefined) this.#unexpected++;
        else pending.acknowledged(body.attemptId, countedSnapshot(pending, body));
        return {};
      },
      'checkpoint.declined': (body) => {
        const pending = this.#pending.get(body.checkpointId);
        if (pending === undefined) this.#unexpected++;
        else {
          this.#options.logger.log('warn', 'a task declined a checkpoint', { ...body });
          this.#failure = body.error ?? undefined;
          pending.declined(body.attemptId, body.reason);
        }
        return {};
      },
      'task.end-of-data': (body) => {
        this.#endOfData.add(body.attemptId);
        this.#announceEndOfData();
        return {};
      },
    };
  }

  executionChanged(_execution: ExecutionView): void {
    const executions = this.#options.host.executions();
    const isRunning = executions.length > 0 && executions.every(({ state }) => state === 'RUNNING');
    if (isRunning === this.#isRunning) return;
    this.#isRunning = isRunning;
    if (!isRunning) {
      this.#machine.send({ type: 'JOB_NOT_RUNNING', reason: 'CHECKPOINT_COORDINATOR_SUSPEND' });
      return;
    }
    const { clock, random } = this.#options;
    this.#machine.send({ type: 'JOB_RUNNING', at: clock.monotonic(), random: random.next() });
    this.#announceEndOfData();
  }

  jobStatusChanged(status: JobStatus): void {
    if (status === 'FINISHED' || status === 'FAILED' || status === 'CANCELED' || status === 'SUSPENDED') {
      this.#machine.send({ type: 'STOP' });
    }
  }

  abortPending(_reason: string): void {
    this.#isRunning = false;
    this.#machine.send({ type: 'JOB_NOT_RUNNING', reason: 'JOB_FAILOVER_REGION' });
  }

  restorePoint(): Promise<CompletedCheckpoint | undefined> {
    return this.#completed.settled();
  }

  latestCheckpointId(): CheckpointId | undefined {
    return this.#completed.latestId;
  }

  completedCount(): number {
    return this.#completed.count;
  }

  #announceEndOfData(): void {
    const executions = this.#options.host.executions();
    if (!this.#isRunning || !executions.every(({ attemptId }) => this.#endOfData.has(attemptId))) return;
    this.#machine.send({ type: 'END_OF_DATA', at: this.#options.clock.monotonic() });
  }

  #perform(effect: Exclude<CheckpointCoordinatorEffect, { readonly type: 'ignored' }>): void {
    switch (effect.type) {
      case 'allocateId':
        this.#allocateId();
        return;
      case 'startCheckpoint':
        this.#start(asCheckpointId(effect.params.checkpointId), effect.params.isFinal);
        return;
      case 'scheduleTick':
        this.#tick?.cancel();
        this.#tick = this.#options.clock.setTimer(effect.params.delayMs, () =>
          this.#machine.send({ type: 'TICK', at: this.#options.clock.monotonic() }),
        );
        return;
      case 'cancelTick':
        this.#tick?.cancel();
        this.#tick = undefined;
        return;
      case 'abortPending':
        if (this.#options.testSwitches?.isOldAttemptAccepted === true) return;
        for (const pending of [...this.#pending.values()]) pending.abort(effect.params.reason);
        return;
      case 'failJob':
        this.#options.host.failJob(tooManyFailures(effect.params, this.#failure));
        return;
    }
  }

  #allocateId(): void {
    this.#completed.nextId().then(
      (id) => this.#machine.send({ type: 'ID_ALLOCATED', checkpointId: id }),
      (error: unknown) => this.#machine.send({ type: 'ID_FAILED', error: toErrorRecord(error).message }),
    );
  }

  #start(id: CheckpointId, isFinal: boolean): void {
    const { host, clock, logger, settings } = this.#options;
    const executions = host.executions();
    this.#pending.set(
      id,
      new PendingCheckpoint({
        checkpointId: id,
        executions,
        startedAt: clock.now(),
        timeoutMs: settings.timeoutMs,
        clock,
        logger,
        name: `${host.jobId}/${id}`,
        ...(this.#options.onTransition === undefined ? {} : { onTransition: this.#options.onTransition }),
        trigger: (pending) => this.#calls.trigger(pending, isFinal),
        finalize: (pending) => this.#finalize(pending, isFinal),
        ended: (pending, reason) => (reason === undefined ? this.#completedOne(pending) : this.#abortedOne(pending, reason)),
      }),
    );
  }

  #finalize(pending: PendingCheckpoint, isFinal: boolean): void {
    const { host, clock } = this.#options;
    this.#completed.complete(completedCheckpoint(pending, { host, completedAt: clock.now(), isFinal })).then(
      () => pending.finalized(),
      (error: unknown) => {
        this.#failure = toErrorRecord(error);
        pending.finalizeFailed();
      },
    );
  }

  #completedOne(pending: PendingCheckpoint): void {
    this.#failure = undefined;
    const { host, clock, endpoint } = this.#options;
    this.#pending.delete(pending.checkpointId);
    this.#completed.add();
    for (const older of [...this.#pending.values()]) if (older.checkpointId < pending.checkpointId) older.abort('CHECKPOINT_SUBSUMED');
    this.#machine.send({ type: 'CHECKPOINT_COMPLETED', checkpointId: pending.checkpointId, at: clock.monotonic() });
    host.checkpointCompleted(pending.checkpointId);
    this.#calls.tell(pending, 'checkpoint.confirm');
    endpoint.tell({ kind: 'job-events', jobId: host.jobId }, 'checkpoint.completed', {
      jobId: host.jobId,
      checkpointId: pending.checkpointId,
      durationMs: Math.max(0, clock.now() - pending.startedAt),
      stateBytes: pending.snapshots().reduce((sum, { stateBytes }) => sum + stateBytes, 0),
    });
    this.#completed.sweep([...this.#pending.keys()].map((id) => asCheckpointId(id)));
  }

  #abortedOne(pending: PendingCheckpoint, reason: CheckpointFailureReason): void {
    const { host, endpoint, logger, settings } = this.#options;
    this.#pending.delete(pending.checkpointId);
    if (reason === 'CHECKPOINT_EXPIRED') {
      this.#failure = toErrorRecord(expired(pending, settings.timeoutMs));
      logger.log('warn', 'a checkpoint took too long', { jobId: host.jobId, error: this.#failure });
    }
    this.#machine.send({ type: 'CHECKPOINT_ABORTED', checkpointId: pending.checkpointId, reason });
    this.#calls.tell(pending, 'checkpoint.abort');
    endpoint.tell({ kind: 'job-events', jobId: host.jobId }, 'checkpoint.failed', {
      jobId: host.jobId,
      checkpointId: pending.checkpointId,
      reason,
    });
  }

  #failInternally(error: unknown, effect: string): void {
    this.#options.host.failJob(
      new MillraceError('CHECKPOINT_COORDINATOR_FAILED', `the checkpoint coordinator could not perform ${effect}`, {
        domain: 'internal',
        cause: error,
      }),
    );
  }
}
