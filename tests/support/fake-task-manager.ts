/**
 * A TaskManager for tests of the control plane: it registers, allocates and offers slots, and pretends to run tasks. What
 * its tasks do, and which of its messages get lost, the test decides.
 */
import type { Bus } from '../../bus/contracts.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { SlotStatus } from '../../bus/protocol/messages/cluster.js';
import { noTaskMetrics, type TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import type { TaskState } from '../../bus/protocol/schemas.js';
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import {
  sessionId,
  taskManagerId,
  type AllocationId,
  type AttemptId,
  type JobId,
  type LeaderEpoch,
  type SessionId,
  type TaskManagerId,
} from '../../core/ids.js';
import type { SimulatedProcess } from '../../testing/simulator/simulation.js';

interface FakeTask {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly slot: number;
  state: TaskState;
}

interface FakeSlot {
  state: 'FREE' | 'ALLOCATED' | 'ACTIVE';
  allocationId: AllocationId | null;
  jobId: JobId | null;
}

export interface FakeTaskManagerOptions {
  readonly process: SimulatedProcess;
  readonly bus: Bus;
  readonly name: string;
  readonly slots: number;
  readonly leaderEpoch: LeaderEpoch;
}

export class FakeTaskManager {
  readonly id: TaskManagerId;
  readonly session: SessionId;
  readonly tasks = new Map<AttemptId, FakeTask>();
  readonly deployed: TaskDeploymentDescriptor[] = [];
  readonly canceled: AttemptId[] = [];
  readonly freed: string[] = [];
  readonly confirmed: (number | null)[] = [];
  readonly slots: FakeSlot[];
  /** Reports of these states do not reach the job. */
  readonly lostReports = new Set<TaskState>();
  /** Slot requests answered with a refusal, as far as the number goes. */
  refusals = 0;
  /** Offers that get lost. */
  lostOffers = 0;
  /** Cancel calls that get lost. */
  lostCancels = 0;
  /** Answers to deployments that get lost. */
  lostDeployAnswers = 0;
  /** Why it takes no task. */
  refusesTasks: ErrorRecord | undefined;
  /** What the operators of its tasks declare. */
  sharedResources: Record<string, string> = {};
  /** Tasks stop there instead of going on to RUNNING. */
  haltsAt: TaskState | undefined;
  isCancelSlow = false;
  /** Slots whose threads cannot be started, and when that was tried, in virtual milliseconds. */
  readonly broken = new Map<number, number[]>();
  /** Heartbeats are not answered, as when it is partitioned away. */
  isMute = false;
  readonly endpoint: Endpoint;
  readonly #options: FakeTaskManagerOptions;
  /** Offers made so far. */
  offers = 0;

  constructor(options: FakeTaskManagerOptions) {
    this.#options = options;
    this.id = taskManagerId(options.name);
    this.session = sessionId(options.process.random.hex(4));
    this.slots = Array.from({ length: options.slots }, () => ({ state: 'FREE', allocationId: null, jobId: null }));
    const { clock, random, logger } = options.process;
    this.endpoint = createEndpoint({ name: options.name, bus: options.bus, subjects: createSubjects(), clock, random, logger });
    this.#serve();
    this.register();
  }

  register(): void {
    this.endpoint
      .ask(
        { kind: 'resource-manager' },
        'task-manager.register',
        { taskManagerId: this.id, sessionId: this.session, host: 'localhost', pid: 1, startedAt: 0, slots: this.statuses() },
        { leaderEpoch: this.#options.leaderEpoch, attempts: 10, timeoutMs: 100 },
      )
      .catch(() => undefined);
  }

  /** kill -9. */
  kill(): void {
    this.#options.process.kill();
    void this.#options.bus.close();
  }

  attempts(vertex: string): AttemptId[] {
    return [...this.tasks.values()]
      .filter(({ descriptor, state }) => descriptor.vertexId === vertex && !isTerminal(state))
      .map(({ descriptor }) => descriptor.attemptId);
  }

  /** Moves a task and reports it. */
  move(attemptId: AttemptId, state: TaskState, error: ErrorRecord | null = null): void {
    const task = this.tasks.get(attemptId);
    if (task === undefined) throw new Error(`${attemptId} is not on ${this.id}`);
    if (isTerminal(task.state)) return;
    task.state = state;
    this.report(attemptId, state, error);
  }

  /** Sends a report, whatever the task really does. */
  report(attemptId: AttemptId, state: TaskState, error: ErrorRecord | null = null): void {
    if (this.lostReports.has(state)) return;
    const jobId = this.tasks.get(attemptId)?.descriptor.jobId as JobId;
    const metrics = { ...noTaskMetrics, recordsIn: 10, recordsOut: 7, recordsWritten: 5 };
    this.endpoint
      .ask(
        { kind: 'job', jobId },
        'task.state-changed',
        { jobId, attemptId, state, error, metrics, sharedResources: this.sharedResources },
        this.#sending,
      )
      .then(
        ({ known }) => {
          if (isTerminal(state)) this.tasks.delete(attemptId);
          else if (!known) this.move(attemptId, 'FAILED');
        },
        () => undefined,
      );
  }

  /** Ends every task of a vertex, or all. */
  finish(vertex?: string): void {
    for (const task of [...this.tasks.values()])
      if (vertex === undefined || task.descriptor.vertexId === vertex) this.move(task.descriptor.attemptId, 'FINISHED');
  }

  statuses(): SlotStatus[] {
    return this.slots.map((slot, index) => ({ slot: index, ...slot }));
  }

  get #sending() {
    return { leaderEpoch: this.#options.leaderEpoch, attempts: 5, timeoutMs: 200 };
  }

  #serve(): void {
    this.endpoint.serve(
      { kind: 'task-manager', taskManagerId: this.id },
      {
        handlers: {
          'resource-manager.heartbeat': () =>
            this.isMute ? new Promise(() => undefined) : { sessionId: this.session, slots: this.statuses() },
          'scheduler.heartbeat': ({ latestCheckpointId }) => {
            if (this.isMute) return new Promise(() => undefined);
            this.confirmed.push(latestCheckpointId);
            return {
              sessionId: this.session,
              allocations: this.slots.flatMap(({ allocationId }) => allocationId ?? []),
              attempts: [...this.tasks].map(([attemptId, { state }]) => ({ attemptId, state })),
            };
          },
          'slot.request': ({ jobId, allocationId, slot, sessionId: session }) => {
            const held = this.slots[slot];
            if (session !== this.session || held === undefined) return { kind: 'refused', reason: 'stale-session', holder: null };
            if (held.allocationId !== null) return { kind: 'refused', reason: 'occupied', holder: held.allocationId };
            if (this.refusals > 0) {
              this.refusals--;
              return { kind: 'refused', reason: 'unknown-slot', holder: null };
            }
            this.slots[slot] = { state: 'ALLOCATED', allocationId, jobId };
            if (this.broken.has(slot)) this.#later(1, () => this.#failToStart(slot));
            else this.#offer(slot);
            return { kind: 'allocated' };
          },
          'slot.free': ({ allocationId, reason }) => {
            this.freed.push(reason);
            this.free(allocationId);
            return {};
          },
          'task.deploy': (descriptor) => {
            if (this.refusesTasks !== undefined) return { kind: 'refused', error: this.refusesTasks };
            this.#deploy(descriptor);
            if (this.lostDeployAnswers === 0) return { kind: 'accepted' };
            this.lostDeployAnswers--;
            return new Promise(() => undefined);
          },
          'task.cancel': ({ attemptId }) => {
            if (this.lostCancels > 0) {
              this.lostCancels--;
              return new Promise(() => undefined);
            }
            this.canceled.push(attemptId);
            const task = this.tasks.get(attemptId);
            if (task === undefined) return { known: false };
            if (!this.isCancelSlow) this.#later(1, () => this.tasks.has(attemptId) && this.move(attemptId, 'CANCELED'));
            return { known: true };
          },
        },
      },
    );
  }

  /** Gives a slot up without being asked, as when its thread died. */
  free(allocationId: AllocationId, startFailures = 0): void {
    const slot = this.slots.findIndex((held) => held.allocationId === allocationId);
    if (slot < 0) return;
    for (const [attemptId, task] of this.tasks) if (task.slot === slot) this.tasks.delete(attemptId);
    this.slots[slot] = { state: 'FREE', allocationId: null, jobId: null };
    this.endpoint.tell(
      { kind: 'resource-manager' },
      'slot.available',
      { taskManagerId: this.id, sessionId: this.session, slot, allocationId, startFailures },
      this.#sending,
    );
  }

  #failToStart(slot: number): void {
    const { allocationId, jobId } = this.slots[slot] as FakeSlot;
    const tries = this.broken.get(slot);
    if (allocationId === null || jobId === null || tries === undefined) return;
    tries.push(this.#options.process.clock.monotonic());
    const cause = new Error('Cannot find module');
    const error = toErrorRecord(new MillraceError('SLOT_NOT_STARTED', `the thread of slot ${slot} could not be started`, { cause }));
    this.endpoint
      .ask({ kind: 'job', jobId }, 'slot.failed', { jobId, taskManagerId: this.id, slot, allocationId, error }, this.#sending)
      .catch(() => undefined);
    this.free(allocationId, tries.length);
  }

  #offer(slot: number): void {
    const { allocationId, jobId } = this.slots[slot] as FakeSlot;
    if (allocationId === null || jobId === null) return;
    if (this.lostOffers > 0) {
      this.lostOffers--;
      this.#later(300, () => this.#offer(slot));
      return;
    }
    const body = {
      jobId,
      taskManagerId: this.id,
      sessionId: this.session,
      host: 'localhost',
      offerId: this.offers++,
      slots: [{ slot, allocationId }],
    };
    this.endpoint.ask({ kind: 'job', jobId }, 'slot.offer', body, this.#sending).then(
      ({ accepted }) => {
        const held = this.slots[slot];
        if (held?.allocationId !== allocationId) return;
        if (accepted.includes(allocationId)) held.state = 'ACTIVE';
        else this.free(allocationId);
      },
      () => this.#later(500, () => this.#offer(slot)),
    );
  }

  #deploy(descriptor: TaskDeploymentDescriptor): void {
    if (this.tasks.has(descriptor.attemptId)) return;
    const slot = this.slots.findIndex(({ allocationId }) => allocationId === descriptor.allocationId);
    this.deployed.push(descriptor);
    this.tasks.set(descriptor.attemptId, { descriptor, slot, state: 'DEPLOYING' });
    if (this.haltsAt === 'DEPLOYING') return;
    this.#later(2, () => this.move(descriptor.attemptId, 'INITIALIZING'));
    if (this.haltsAt === 'INITIALIZING') return;
    this.#later(4, () => {
      if (this.tasks.get(descriptor.attemptId)?.state === 'INITIALIZING') this.move(descriptor.attemptId, 'RUNNING');
    });
  }

  #later(delayMs: number, step: () => unknown): void {
    this.#options.process.clock.setTimer(delayMs, () => void step());
  }
}

function isTerminal(state: TaskState): boolean {
  return state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';
}
