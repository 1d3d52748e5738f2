/**
 * The scheduler of one job under one leader: owns the status of the job, its executions and slots, deploys, restarts and
 * ends it. What to do when is decided by the machines `scheduler`, `job` and `execution`; this actor performs it.
 *
 * SA1  Everything happens on one thread; answers of others come back as events and are dropped once the job ended here.
 * SA2  Only current executions count: whatever else reports is told that it is not known (see JobReports).
 * SA3  `onEnded` is called once, for FINISHED, FAILED and CANCELED, after all slots were given back.
 */
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint, Handlers } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobCode, JobStatus } from '../../bus/protocol/schemas.js';
import { toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { JobId, LeaderEpoch } from '../../core/ids.js';
import type { CorePorts } from '../../core/ports.js';
import { executionVertexId } from '../../graph/execution-graph.js';
import { pipelinedRegionsOf } from '../../graph/regions.js';
import { sharedSlotsOf } from '../../graph/slot-sharing.js';
import type { JobGraph } from '../../graph/types.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { jobMachine, type JobEffect } from '../../state-machines/job/job-machine.js';
import { schedulerMachine } from '../../state-machines/scheduler/scheduler-machine.js';
import type { SchedulerEffect, SchedulerInput } from '../../state-machines/scheduler/scheduler-model.js';
import { heartbeatDefaults } from '../runtime/heartbeat-monitor.js';
import type { SummaryOptions } from '../job-manager/running-job.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { CheckpointHooks, CheckpointHooksFactory, CheckpointHost } from './checkpointing.js';
import { ExecutionEffects } from './execution-effects.js';
import { ExecutionGraph } from './execution-graph.js';
import { attemptsOn, heal } from './healing.js';
import { JobDeployments } from './job-deployments.js';
import { JobEvents } from './job-events.js';
import { historyOf } from './job-history.js';
import { JobFailures } from './job-failures.js';
import { JobReports } from './job-reports.js';
import { JobSlots } from './job-slots.js';
import { JobSources } from './job-sources.js';
import { SchedulerEffects, type JobOutcome } from './scheduler-effects.js';
import { SharedResources } from './shared-resources.js';
import { SlotPool } from './slot-pool.js';
import { SlotWait } from './slot-wait.js';
import { TaskCalls } from './task-calls.js';
import { unsettledCallsOf } from './unsettled-calls.js';

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

/** The options, with what becomes of an effect that could not be performed. */
type HostedOptions = SchedulerOptions & { readonly onEffectFailed: (error: unknown) => void };

/** See the head of this file. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #checkpoints: CheckpointHooks;
  readonly #executions: ExecutionGraph;
  readonly #slots: JobSlots;
  readonly #sources: JobSources;
  readonly #calls: TaskCalls;
  readonly #sharedResources = new SharedResources();
  readonly #failures: JobFailures;
  readonly #events: JobEvents;
  readonly #job: MachineHost<typeof jobMachine, JobEffect>;
  readonly #machine: MachineHost<typeof schedulerMachine, SchedulerEffect>;
  readonly #slotWait: SlotWait;
  readonly #deployments: JobDeployments;
  readonly #reports: JobReports;
  readonly #effects: SchedulerEffects;
  readonly #executionEffects: ExecutionEffects;
  #endedAt: number | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { jobGraph, clock } = options;
    const hosted = { ...options, onEffectFailed: (error: unknown) => this.#failures.failInternally(error) };
    this.#events = new JobEvents(options);
    this.#failures = new JobFailures({
      ...options,
      executions: () => this.#executions.all(),
      tell: (event) => this.#machine.send(event),
      phase: () => this.#failurePhase(),
    });
    this.#executions = new ExecutionGraph({
      ...hosted,
      createdAt: clock.now(),
      perform: (execution, effect) => this.#executionEffects.perform(execution, effect),
    });
    this.#sources = new JobSources(jobGraph);
    const pool = new SlotPool(sharedSlotsOf(jobGraph));
    this.#slotWait = new SlotWait({
      clock,
      pool,
      onAssigned: (round) => this.#machine.send({ type: 'SLOTS_ASSIGNED', round }),
      onTimedOut: (round, waitedMs) => this.#slotsTimedOut(round, waitedMs),
    });
    this.#slots = this.#createSlots(hosted, pool);
    this.#deployments = this.#createDeployments(pool);
    this.#reports = new JobReports({
      clock,
      executions: this.#executions,
      failures: this.#failures,
      slots: this.#slots,
      sharedResources: this.#sharedResources,
    });
    this.#calls = new TaskCalls({ ...options, nextBeatOf: (taskManagerId) => this.#slots.nextBeatOf(taskManagerId) });
    this.#job = this.#hostJob(hosted);
    this.#machine = new MachineHost<typeof schedulerMachine, SchedulerEffect>({
      ...hosted,
      machine: schedulerMachine,
      input: machineInputOf(jobGraph),
      name: options.jobId,
      perform: (effect) => this.#effects.perform(effect),
    });
    this.#checkpoints = options.checkpointing(this.#checkpointHost());
    this.#executionEffects = this.#createExecutionEffects();
    this.#effects = this.#createEffects();
    this.#effects.moveJob('INITIALIZED', null);
  }

  get status(): JobStatus {
    return this.#job.context.status;
  }

  /** What is answered at the address of the job; also for its checkpoint coordinator. */
  handlers(): Handlers {
    return {
      ...this.#slots.handlers(),
      ...this.#reports.handlers(),
      ...this.#sources.handlers({
        subtaskOf: (attemptId) => this.#reports.current(attemptId).subtaskIndex,
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
      ...unsettledCallsOf(this.#executions.all()),
      results: this.#executions.results(),
      ...this.#executions.accumulators(),
      ...(withHistory ? historyOf({ jobGraph, failures: this.#failures, executions: this.#executions }) : {}),
      error: this.#machine.context.error,
    };
  }

  #createSlots(hosted: HostedOptions, pool: SlotPool): JobSlots {
    return new JobSlots({
      ...hosted,
      jobName: hosted.jobGraph.name,
      heartbeat: hosted.heartbeat ?? heartbeatDefaults,
      pool,
      attemptsOn: (taskManagerId) => attemptsOn(this.#executions.all(), taskManagerId),
      latestCheckpointId: () => this.#checkpoints.latestCheckpointId(),
      onAccepted: () => this.#slotWait.check(),
      onLost: (slots, error) => this.#failures.slotsLost(slots, error),
      onUnstartable: (error) => this.#failures.failJob(toErrorRecord(error)),
      onFindings: (taskManagerId, findings) =>
        heal({ executions: this.#executions, calls: this.#calls, taskManagerId, findings, at: hosted.clock.now() }),
    });
  }

  #createDeployments(pool: SlotPool): JobDeployments {
    return new JobDeployments({
      ...this.#options,
      executions: this.#executions,
      pool,
      sources: this.#sources,
      sharedResources: this.#sharedResources,
      restorePoint: () => this.#checkpoints.restorePoint(),
      round: () => this.#machine.context.round,
      onRestorePointFound: (round) => this.#machine.send({ type: 'RESTORE_POINT_FOUND', round }),
      onRestorePointFailed: (round, error) => this.#restorePointFailed(round, error),
    });
  }

  #hostJob(hosted: HostedOptions): MachineHost<typeof jobMachine, JobEffect> {
    return new MachineHost<typeof jobMachine, JobEffect>({
      ...hosted,
      machine: jobMachine,
      input: { at: hosted.submittedAt },
      name: hosted.jobId,
      perform: ({ params }) => {
        this.#checkpoints.jobStatusChanged(params.to);
        this.#events.statusChanged(params);
      },
    });
  }

  #checkpointHost(): CheckpointHost {
    const { jobId, leaderEpoch, jobGraph, clock } = this.#options;
    return {
      jobId,
      leaderEpoch,
      jobGraph,
      executions: () => this.#executions.views(),
      jobStatus: () => this.status,
      sourceSnapshots: () => this.#sources.snapshots(),
      sharedResources: () => this.#sharedResources.tokens(),
      failJob: (error) => this.#failures.failJob(toErrorRecord(error)),
      failExecution: (attemptId, error) =>
        this.#executions.find(attemptId)?.send({ type: 'FAIL', at: clock.now(), error: toErrorRecord(error) }),
      checkpointCompleted: () => this.#machine.send({ type: 'CHECKPOINT_COMPLETED' }),
    };
  }

  #failurePhase(): 'running' | 'recovering' | 'ending' {
    const { state, context, isDone } = this.#machine;
    if (isDone || state === 'cancelling') return 'ending';
    return context.isRestarting || state === 'failing' ? 'recovering' : 'running';
  }

  #createExecutionEffects(): ExecutionEffects {
    return new ExecutionEffects({
      calls: this.#calls,
      deployments: this.#deployments,
      failures: this.#failures,
      checkpoints: this.#checkpoints,
      events: this.#events,
      onSubtaskEnded: (subtask) => this.#machine.send({ type: 'SUBTASK_ENDED', subtask }),
    });
  }

  #createEffects(): SchedulerEffects {
    const { clock, logger } = this.#options;
    return new SchedulerEffects({
      clock,
      logger,
      job: this.#job,
      executions: this.#executions,
      slots: this.#slots,
      slotWait: this.#slotWait,
      deployments: this.#deployments,
      checkpoints: this.#checkpoints,
      tell: (event) => this.#machine.send(event),
      cause: () => this.#machine.context.error,
      end: (outcome) => this.#end(outcome),
    });
  }

  #slotsTimedOut(round: number, waitedMs: number): void {
    const error = toErrorRecord(this.#slots.shortageError(waitedMs));
    this.#failures.note(error);
    this.#machine.send({ type: 'SLOT_TIMEOUT', round, error });
  }

  #restorePointFailed(round: number, error: ErrorRecord): void {
    const { clock, random } = this.#options;
    if (round === this.#machine.context.round) this.#failures.note(error);
    this.#machine.send({ type: 'RESTORE_POINT_FAILED', round, error, at: clock.monotonic(), random: random.next() });
  }

  #end(outcome: JobOutcome): void {
    this.#endedAt = this.#options.clock.now();
    this.#slotWait.stop();
    this.#effects.stop();
    this.#calls.stop();
    if (outcome === 'SUSPENDED') {
      this.#slots.drop();
      return;
    }
    this.#slots.release(`the job is ${outcome}`);
    this.#options.onEnded(this.summary({ withHistory: true }));
  }
}

function machineInputOf(jobGraph: JobGraph): SchedulerInput {
  const { failover, restartStrategy, repeatedFailure, slotRequestTimeoutMs } = jobGraph.settings;
  const regions = pipelinedRegionsOf(jobGraph).map((region) =>
    region.map(({ vertexId, subtaskIndex }) => executionVertexId(vertexId, subtaskIndex)),
  );
  return { regions, failover, restartStrategy, repeatedFailure, slotRequestTimeoutMs };
}
