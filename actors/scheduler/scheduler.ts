/**
 * The scheduler of one job under one leader: owns the status of the job, its executions and slots, deploys, restarts and
 * ends it. What to do when is decided by the machines `scheduler`, `job` and `execution`; this actor performs it.
 *
 * SA1  Everything happens on one thread; answers of others come back as events and are dropped once the job ended here.
 * SA2  Only current executions count: whatever else reports is told that it is not known.
 * SA3  `onEnded` is called once, for FINISHED, FAILED and CANCELED, after all slots were given back.
 */
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint, Handlers } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import type { JobCode, JobStatus } from '../../bus/protocol/schemas.js';
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AttemptId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { CorePorts, TimerHandle } from '../../core/ports.js';
import { executionVertexId, type ExecutionVertexId } from '../../graph/execution-graph.js';
import { pipelinedRegionsOf } from '../../graph/regions.js';
import { sharedSlotsOf } from '../../graph/slot-sharing.js';
import type { JobGraph } from '../../graph/types.js';
import type { ExecutionEffect } from '../../state-machines/execution/execution-machine.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { jobMachine, type JobEffect, type JobEvent } from '../../state-machines/job/job-machine.js';
import { schedulerMachine } from '../../state-machines/scheduler/scheduler-machine.js';
import type { SchedulerEffect } from '../../state-machines/scheduler/scheduler-model.js';
import { heartbeatDefaults } from '../runtime/heartbeat-monitor.js';
import type { SummaryOptions } from '../job-manager/running-job.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { CheckpointHooks, CheckpointHooksFactory } from './checkpointing.js';
import { describeTask, noRestore, planRestore, type RestorePlan } from './deployment.js';
import { ExecutionGraph } from './execution-graph.js';
import type { Execution } from './execution.js';
import { attemptsOn, heal } from './healing.js';
import { JobEvents, type ExecutionChange } from './job-events.js';
import { historyOf } from './job-history.js';
import { JobFailures } from './job-failures.js';
import { JobSlots } from './job-slots.js';
import { JobSources } from './job-sources.js';
import { SharedResources } from './shared-resources.js';
import { SlotPool } from './slot-pool.js';
import { TaskCalls } from './task-calls.js';
import { eventOf, located, unexplained } from './task-reports.js';

export interface SchedulerOptions extends CorePorts {
  readonly jobId: JobId;
  readonly jobGraph: JobGraph;
  readonly code: JobCode;
  readonly leaderEpoch: LeaderEpoch;
  readonly submittedAt: number;
  readonly endpoint: Endpoint;
  /** The connection of the endpoint: its losses excuse TaskManagers that do not answer. */
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly checkpointing: CheckpointHooksFactory;
  readonly heartbeat?: HeartbeatMonitorInput;
  /** Entries of the exception history; default `limits.exceptionHistory`. */
  readonly exceptionsMax?: number;
  readonly onEnded: (summary: JobSummary) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
}

type SchedulerHost = MachineHost<typeof schedulerMachine, SchedulerEffect>;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #checkpoints: CheckpointHooks;
  readonly #executions: ExecutionGraph;
  readonly #pool: SlotPool;
  readonly #slots: JobSlots;
  readonly #sources: JobSources;
  readonly #calls: TaskCalls;
  readonly #sharedResources = new SharedResources();
  readonly #failures: JobFailures;
  readonly #events: JobEvents;
  readonly #job: MachineHost<typeof jobMachine, JobEffect>;
  readonly #machine: SchedulerHost;
  /** Subtasks that wait for slots. */
  #waiting: { readonly subtasks: readonly ExecutionVertexId[]; readonly round: number } | undefined;
  #restore: RestorePlan = noRestore;
  #slotTimer: TimerHandle | undefined;
  #backoff: TimerHandle | undefined;
  #endedAt: number | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#events = new JobEvents(options);
    const { jobGraph, clock } = options;
    const common = { ...options, onEffectFailed: (error: unknown) => this.#failures.failInternally(error) };
    this.#failures = new JobFailures({
      ...options,
      executions: () => this.#executions.all(),
      tell: (event) => this.#machine.send(event),
      phase: () => this.#failurePhase(),
    });
    this.#executions = new ExecutionGraph({
      ...common,
      createdAt: clock.now(),
      perform: (execution, effect) => this.#performExecution(execution, effect),
    });
    this.#pool = new SlotPool(sharedSlotsOf(jobGraph));
    this.#sources = new JobSources(jobGraph);
    this.#slots = new JobSlots({
      ...common,
      jobName: jobGraph.name,
      heartbeat: options.heartbeat ?? heartbeatDefaults,
      pool: this.#pool,
      attemptsOn: (taskManagerId) => attemptsOn(this.#executions.all(), taskManagerId),
      latestCheckpointId: () => this.#checkpoints.latestCheckpointId(),
      onAccepted: () => this.#checkSlots(),
      onLost: (slots, error) => this.#failures.slotsLost(slots, error),
      onUnstartable: (error) => this.#failures.failJob(toErrorRecord(error)),
      onFindings: (taskManagerId, findings) =>
        heal({ executions: this.#executions, calls: this.#calls, taskManagerId, findings, at: clock.now() }),
    });
    this.#calls = new TaskCalls({ ...options, nextBeatOf: (taskManagerId) => this.#slots.nextBeatOf(taskManagerId) });
    this.#job = new MachineHost<typeof jobMachine, JobEffect>({
      ...common,
      machine: jobMachine,
      input: { at: options.submittedAt },
      name: options.jobId,
      perform: ({ params }) => {
        this.#checkpoints.jobStatusChanged(params.to);
        this.#events.statusChanged(params);
      },
    });
    this.#machine = new MachineHost<typeof schedulerMachine, SchedulerEffect>({
      ...common,
      machine: schedulerMachine,
      input: {
        regions: pipelinedRegionsOf(jobGraph).map((region) =>
          region.map(({ vertexId, subtaskIndex }) => executionVertexId(vertexId, subtaskIndex)),
        ),
        failover: jobGraph.settings.failover,
        restartStrategy: jobGraph.settings.restartStrategy,
        repeatedFailure: jobGraph.settings.repeatedFailure,
        slotRequestTimeoutMs: jobGraph.settings.slotRequestTimeoutMs,
      },
      name: options.jobId,
      perform: (effect) => this.#perform(effect),
    });
    this.#checkpoints = options.checkpointing({
      jobId: options.jobId,
      leaderEpoch: options.leaderEpoch,
      jobGraph,
      executions: () => this.#executions.views(),
      jobStatus: () => this.status,
      sourceSnapshots: () => this.#sources.snapshots(),
      sharedResources: () => this.#sharedResources.tokens(),
      failJob: (error) => this.#failures.failJob(toErrorRecord(error)),
      failExecution: (attemptId, error) =>
        this.#executions.find(attemptId)?.send({ type: 'FAIL', at: clock.now(), error: toErrorRecord(error) }),
      checkpointCompleted: () => this.#machine.send({ type: 'CHECKPOINT_COMPLETED' }),
    });
    this.#moveJob('INITIALIZED', null);
  }

  get status(): JobStatus {
    return this.#job.context.status;
  }

  /** What is answered at the address of the job; also for its checkpoint coordinator. */
  handlers(): Handlers {
    return {
      ...this.#slots.handlers(),
      'task.state-changed': (body) => ({ known: this.#stateReported(body) }),
      'task.progressed': ({ tasks }) => {
        for (const { attemptId, metrics } of tasks) this.#failures.failOn(this.#executions.report(attemptId, metrics));
        return {};
      },
      ...this.#sources.handlers({
        subtaskOf: (attemptId) => this.#ofCurrent(attemptId).subtaskIndex,
        failJob: (error) => this.#failures.failJob(toErrorRecord(error)),
      }),
      ...this.#checkpoints.handlers(),
    };
  }

  start(): void {
    this.#machine.send({ type: 'START' });
  }

  cancel(): void {
    this.#machine.send({ type: 'CANCEL' });
  }

  /** Stops at once, keeping tasks and slots as they are: the next leader's epoch ends them. */
  suspend(): void {
    this.#machine.send({ type: 'SUSPEND' });
  }

  /** A checkpoint whose pointer was being moved when the job ended completes, or not, before this resolves (CH3). */
  async settled(): Promise<void> {
    await this.#checkpoints.restorePoint();
  }

  summary({ withHistory = false }: SummaryOptions = {}): JobSummary {
    const { jobId, jobGraph, submittedAt } = this.#options;
    const { shortage } = this.#slots;
    return {
      jobId,
      name: jobGraph.name,
      status: this.status,
      submittedAt,
      timestamps: { ...this.#job.context.timestamps },
      endedAt: this.#endedAt,
      restarts: this.#machine.context.restarts,
      checkpointsCompleted: this.#checkpoints.completedCount(),
      latestCheckpointId: this.#checkpoints.latestCheckpointId() ?? null,
      ...this.#executions.totals(),
      ...(shortage === undefined ? {} : { shortage }),
      results: this.#executions.results(),
      ...this.#executions.accumulators(),
      ...(withHistory ? historyOf({ jobGraph, failures: this.#failures, executions: this.#executions }) : {}),
      error: this.#machine.context.error,
    };
  }

  #failurePhase(): 'running' | 'recovering' | 'ending' {
    const { state, context, isDone } = this.#machine;
    if (isDone || state === 'cancelling') return 'ending';
    return context.isRestarting || state === 'failing' ? 'recovering' : 'running';
  }

  #perform(effect: Exclude<SchedulerEffect, { readonly type: 'ignored' }>): void {
    const { clock, logger } = this.#options;
    switch (effect.type) {
      case 'moveJob':
        return this.#moveJob(effect.params.event, effect.params.error);
      case 'schedule':
        for (const subtask of effect.params.subtasks) {
          const execution = this.#executions.renew(subtask, clock.now());
          if (execution.state === 'CREATED') execution.send({ type: 'SCHEDULE', at: clock.now() });
        }
        return undefined;
      case 'assignSlots':
        this.#waiting = effect.params;
        this.#slots.open();
        return this.#checkSlots();
      case 'startSlotTimer': {
        const { round, delayMs } = effect.params;
        this.#slotTimer = clock.setTimer(delayMs, () => this.#slotsTimedOut(round, delayMs));
        return undefined;
      }
      case 'stopSlotTimer':
        this.#waiting = undefined;
        return this.#slotTimer?.cancel();
      case 'findRestorePoint':
        return this.#findRestorePoint(effect.params.round);
      case 'deploy':
        return this.#deploy(effect.params.subtasks);
      case 'abortCheckpoints':
        return this.#checkpoints.abortPending(effect.params.reason);
      case 'cancelSubtasks':
        for (const subtask of effect.params.subtasks) this.#executions.current(subtask).send({ type: 'CANCEL', at: clock.now() });
        return undefined;
      case 'startBackoff': {
        const { round, delayMs } = effect.params;
        logger.log('info', 'tasks are restarted', { delayMs, error: this.#machine.context.error });
        this.#backoff?.cancel();
        this.#backoff = clock.setTimer(delayMs, () => this.#machine.send({ type: 'BACKOFF_OVER', round }));
        return undefined;
      }
      case 'stopBackoff':
        return this.#backoff?.cancel();
      case 'end':
        return this.#end(effect.params.outcome);
    }
  }

  #moveJob(type: Exclude<JobEvent['type'], 'INITIALIZATION_FAILED' | 'CANCEL_FAILED'>, error: ErrorRecord | null): void {
    const at = this.#options.clock.now();
    if (type === 'RESTART' || type === 'FAIL')
      this.#job.send({ type, at, error: error ?? toErrorRecord(new MillraceError('UNKNOWN', 'no error was told')) });
    else this.#job.send({ type, at });
  }

  #checkSlots(): void {
    if (this.#waiting === undefined || !this.#pool.hasSlotsFor(this.#waiting.subtasks)) return;
    const { round } = this.#waiting;
    this.#waiting = undefined;
    this.#machine.send({ type: 'SLOTS_ASSIGNED', round });
  }

  #slotsTimedOut(round: number, waitedMs: number): void {
    const error = toErrorRecord(this.#slots.shortageError(waitedMs));
    this.#failures.note(error);
    this.#machine.send({ type: 'SLOT_TIMEOUT', round, error });
  }

  #findRestorePoint(round: number): void {
    const { jobGraph, clock, random } = this.#options;
    this.#checkpoints
      .restorePoint()
      .then((checkpoint) => planRestore(jobGraph, checkpoint))
      .then(
        (plan) => {
          if (round === this.#machine.context.round) this.#restore = plan;
          this.#machine.send({ type: 'RESTORE_POINT_FOUND', round });
        },
        (cause: unknown) => {
          const error = toErrorRecord(cause);
          if (round === this.#machine.context.round) this.#failures.note(error);
          this.#machine.send({ type: 'RESTORE_POINT_FAILED', round, error, at: clock.monotonic(), random: random.next() });
        },
      );
  }

  #deploy(subtasks: readonly ExecutionVertexId[]): void {
    const { checkpoint, tasks } = this.#restore;
    this.#sources.reset(subtasks, tasks, checkpoint);
    // A job that starts from another job's checkpoint counts its own records only.
    const own = checkpoint?.jobId === this.#options.jobId ? checkpoint : undefined;
    // Tokens are of one job: what another job saw, whose checkpoint this one starts from, cannot be compared.
    if (own !== undefined) this.#sharedResources.restore(own.sharedResources);
    const executions = subtasks.map((subtask) => this.#executions.current(subtask));
    for (const execution of executions) {
      execution.slot = this.#pool.slotOf(execution.subtask);
      execution.countOn(own);
    }
    this.#options.logger.log('info', 'deploying tasks', { tasks: executions.length, checkpointId: checkpoint?.checkpointId ?? null });
    for (const execution of executions) execution.send({ type: 'DEPLOY', at: this.#options.clock.now() });
  }

  #end(outcome: 'FINISHED' | 'FAILED' | 'CANCELED' | 'SUSPENDED'): void {
    this.#endedAt = this.#options.clock.now();
    this.#slotTimer?.cancel();
    this.#backoff?.cancel();
    this.#calls.stop();
    if (outcome === 'SUSPENDED') {
      this.#slots.drop();
      return;
    }
    this.#slots.release(`the job is ${outcome}`);
    this.#options.onEnded(this.summary({ withHistory: true }));
  }

  #performExecution(execution: Execution, effect: Exclude<ExecutionEffect, { readonly type: 'ignored' }>): void {
    switch (effect.type) {
      case 'stateChanged':
        return this.#executionChanged(execution, effect.params);
      case 'deployTask':
        return this.#calls.deploy(execution, this.#describe(execution));
      case 'cancelTask':
        return this.#calls.cancel(execution);
      case 'causeLearned':
        return this.#failures.causeLearned(execution, located(effect.params.error, execution));
    }
  }

  #executionChanged(execution: Execution, change: ExecutionChange): void {
    const { from, to, at } = change;
    const error = change.error === null ? null : located(change.error, execution);
    this.#checkpoints.executionChanged({ ...execution.view(), state: to });
    this.#events.executionChanged(execution, change, error);
    if (to === 'FAILED') this.#failures.executionFailed(execution, error ?? unexplained(execution), at);
    else if (to === 'CANCELED' && from !== 'CANCELING') this.#failures.executionFailed(execution, unexplained(execution), at);
    else if (to === 'FINISHED' || to === 'CANCELED') this.#machine.send({ type: 'SUBTASK_ENDED', subtask: execution.subtask });
  }

  #describe(execution: Execution): TaskDeploymentDescriptor {
    return describeTask({
      ...this.#options,
      sources: this.#sources,
      restore: this.#restore,
      execution,
      executionOf: (vertexId, subtaskIndex) => this.#executions.currentOf(vertexId, subtaskIndex),
    });
  }

  /** Answers whether the attempt is current (SA2). */
  #stateReported({ attemptId, state, error, metrics, sharedResources, results }: MessageBody<'task.state-changed'>): boolean {
    const execution = this.#executions.find(attemptId);
    if (execution === undefined) return false;
    this.#failures.failOn(this.#executions.report(attemptId, metrics));
    if (state === 'FINISHED' && results !== undefined) execution.results = results;
    const taskManagerId = execution.slot?.taskManagerId;
    if (taskManagerId !== undefined) execution.acceptedAtBeat ??= this.#slots.nextBeatOf(taskManagerId);
    this.#failures.failOn(taskManagerId === undefined ? undefined : this.#sharedResources.declare(sharedResources, taskManagerId));
    if (state === 'RUNNING' && execution.slot !== undefined) this.#slots.started(execution.slot);
    const event = eventOf(state, this.#options.clock.now(), error ?? unexplained(execution));
    if (event !== undefined) execution.send(event);
    return true;
  }

  #ofCurrent(attemptId: AttemptId): Execution {
    const execution = this.#executions.find(attemptId);
    if (execution !== undefined && !execution.isTerminal) return execution;
    throw new MillraceError('UNKNOWN_ATTEMPT', `${attemptId} is not a current attempt of the job`, { recovery: 'restart-job' });
  }
}
