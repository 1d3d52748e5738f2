/** One job with its scheduler and ResourceManager, and fake TaskManagers, under virtual time on an in-process bus. */
import { createEndpoint } from '../../bus/endpoint.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { jobId, leaderEpoch, type CheckpointId } from '../../core/ids.js';
import { withoutCheckpoints, type CheckpointHooksFactory, type CheckpointHost } from '../../actors/scheduler/checkpointing.js';
import { Scheduler } from '../../actors/scheduler/scheduler.js';
import { ResourceManager } from '../../actors/resource-manager/resource-manager.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';
import { Simulation } from '../../testing/simulator/simulation.js';
import { FakeTaskManager } from './fake-task-manager.js';
import { testGraph } from './job-graphs.js';

export interface JobWorldOptions {
  readonly jobGraph?: JobGraph;
  /** Slots of each TaskManager. */
  readonly taskManagers?: readonly number[];
  readonly restore?: CompletedCheckpoint;
  readonly checkpointing?: CheckpointHooksFactory;
  readonly isVerbose?: boolean;
}

export const worldEpoch = leaderEpoch(7);

export class JobWorld {
  readonly simulation: Simulation;
  readonly hub: InProcessHub;
  readonly scheduler: Scheduler;
  readonly resourceManager: ResourceManager;
  readonly taskManagers: FakeTaskManager[] = [];
  readonly statuses: string[] = [];
  readonly executions: MessageBody<'execution.state-changed'>[] = [];
  readonly ended: JobSummary[] = [];
  /** What a checkpoint coordinator would see of the scheduler. */
  host: CheckpointHost | undefined;
  latestCheckpointId: CheckpointId | undefined;
  readonly jobGraph: JobGraph;
  readonly id = jobId('a'.repeat(32));

  constructor(options: JobWorldOptions = {}) {
    this.jobGraph = options.jobGraph ?? testGraph();
    this.simulation = new Simulation({ seed: 1, ...(options.isVerbose === true ? { onTrace: (line: string) => console.log(line) } : {}) });
    const { clock, random, logger } = this.simulation.process('job-manager');
    this.hub = new InProcessHub({ clock, logger, defer: (deliver) => void this.simulation.schedule(0, 'deliver', deliver) });
    const bus = this.hub.connect('job-manager');
    const endpoint = createEndpoint({ name: 'job-manager', bus, subjects: createSubjects(), clock, random, logger });
    this.resourceManager = new ResourceManager({ clock, random, logger, leaderEpoch: worldEpoch, endpoint, bus });
    this.resourceManager.start();
    const hooks = options.checkpointing ?? withoutCheckpoints(options.restore);
    this.scheduler = new Scheduler({
      clock,
      random,
      logger,
      jobId: this.id,
      jobGraph: this.jobGraph,
      code: { kind: 'module', url: 'file:///job.js' },
      leaderEpoch: worldEpoch,
      submittedAt: clock.now(),
      endpoint,
      bus,
      checkpointing: (host) => {
        this.host = host;
        return { ...hooks(host), latestCheckpointId: () => this.latestCheckpointId };
      },
      onEnded: (summary) => this.ended.push(summary),
    });
    endpoint.serve(
      { kind: 'job', jobId: this.id },
      {
        handlers: this.scheduler.handlers(),
        fence: (envelope) => (envelope.leaderEpoch === worldEpoch ? undefined : 'another epoch'),
      },
    );
    this.#observe();
    for (const slots of options.taskManagers ?? [2]) this.addTaskManager(slots);
  }

  addTaskManager(slots: number, name = `tm-${this.taskManagers.length + 1}`): FakeTaskManager {
    const process = this.simulation.process(name);
    const taskManager = new FakeTaskManager({ process, bus: this.hub.connect(name), name, slots, leaderEpoch: worldEpoch });
    this.taskManagers.push(taskManager);
    return taskManager;
  }

  taskManager(index: number): FakeTaskManager {
    return this.taskManagers[index] as FakeTaskManager;
  }

  /** Live attempts of a vertex by the TaskManager they are on. */
  owner(vertex: string, subtaskIndex: number): FakeTaskManager {
    const found = this.taskManagers.find((candidate) =>
      candidate.attempts(vertex).some((attemptId) => candidate.tasks.get(attemptId)?.descriptor.subtaskIndex === subtaskIndex),
    );
    if (found === undefined) throw new Error(`no TaskManager runs ${vertex} ${subtaskIndex}`);
    return found;
  }

  /** Runs until it holds; fails after `limitMs` more of virtual time. */
  until(isDone: () => boolean, limitMs = 20_000): Promise<void> {
    return this.simulation.runUntil(isDone, this.simulation.nowMs + limitMs);
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    let isOver = false;
    this.simulation.schedule(ms, 'passed', () => (isOver = true));
    await this.until(() => isOver, ms + 1);
  }

  get isAllRunning(): boolean {
    return this.scheduler.summary().tasks['RUNNING'] === this.jobGraph.vertices.reduce((sum, { parallelism }) => sum + parallelism, 0);
  }

  /** Starts the job and waits until all its tasks run. */
  async running(): Promise<this> {
    this.scheduler.start();
    await this.until(() => this.isAllRunning);
    return this;
  }

  #observe(): void {
    const { clock, random, logger } = this.simulation.process('observer');
    const endpoint = createEndpoint({
      name: 'observer',
      bus: this.hub.connect('observer'),
      subjects: createSubjects(),
      clock,
      random,
      logger,
    });
    endpoint.serve(
      { kind: 'job-events', jobId: this.id },
      {
        handlers: {
          'job.status-changed': ({ from, to }) => void this.statuses.push(`${from} ${to}`),
          'execution.state-changed': (body) => void this.executions.push(body),
        },
      },
    );
  }
}
