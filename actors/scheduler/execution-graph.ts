/**
 * The current execution of every subtask of a job.
 *
 * EX1  A subtask gets another execution only when its present one is in a terminal state; attempt numbers only grow.
 * EX2  Of the attempts before it, a subtask remembers the latest ones, so many as `limits.attemptsHistory`.
 */
import { assert, MillraceError } from '../../core/errors.js';
import { attemptNumber, type AttemptId, type LeaderEpoch, type VertexId } from '../../core/ids.js';
import { executionVertexId, isSourceVertex, subtasksOf, type ExecutionVertexId } from '../../graph/execution-graph.js';
import type { JobGraph } from '../../graph/types.js';
import { limits } from '../../core/limits.js';
import type { JobSummary, PastAttempt, VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { ExecutionView } from './checkpointing.js';
import { Execution, type ExecutionOptions } from './execution.js';
import { accumulatorsOf, shownAccumulators } from './job-accumulators.js';
import { vertexStatusesOf } from './vertex-statuses.js';

export interface ExecutionGraphOptions extends Pick<ExecutionOptions, 'perform' | 'onTransition' | 'onEffectFailed'> {
  readonly jobGraph: JobGraph;
  readonly leaderEpoch: LeaderEpoch;
  readonly createdAt: number;
}

export class ExecutionGraph {
  readonly #options: ExecutionGraphOptions;
  readonly #current = new Map<ExecutionVertexId, Execution>();
  readonly #byAttempt = new Map<AttemptId, Execution>();
  readonly #past = new Map<ExecutionVertexId, readonly PastAttempt[]>();

  constructor(options: ExecutionGraphOptions) {
    this.#options = options;
    for (const vertex of options.jobGraph.vertices) {
      const isSource = isSourceVertex(options.jobGraph, vertex.id);
      for (const subtaskIndex of subtasksOf(vertex)) {
        const execution = new Execution({ ...options, vertex, subtaskIndex, isSource, attemptNumber: attemptNumber(0) });
        this.#current.set(execution.subtask, execution);
        this.#byAttempt.set(execution.attemptId, execution);
      }
    }
  }

  /** Vertices in the order of the job graph, subtasks in order. */
  all(): readonly Execution[] {
    return [...this.#current.values()];
  }

  current(subtask: ExecutionVertexId): Execution {
    const execution = this.#current.get(subtask);
    assert(execution !== undefined, `${subtask} is no subtask of job "${this.#options.jobGraph.name}".`);
    return execution;
  }

  currentOf(vertexId: VertexId, subtaskIndex: number): Execution {
    return this.current(executionVertexId(vertexId, subtaskIndex));
  }

  /** The execution with this attempt, if it is a current one. */
  find(attemptId: AttemptId): Execution | undefined {
    return this.#byAttempt.get(attemptId);
  }

  /** What a task reported; ignored when its attempt is no current one. The error to fail the job with, when accumulators clash. */
  report(attemptId: AttemptId, metrics: TaskMetrics): MillraceError | undefined {
    this.find(attemptId)?.report(metrics);
    if (metrics.accumulators === undefined) return undefined;
    const merged = accumulatorsOf(this.all());
    return merged instanceof MillraceError ? merged : undefined;
  }

  /** The execution to deploy next: the present one, or a new one when that has ended (EX1). */
  renew(subtask: ExecutionVertexId, at: number): Execution {
    const present = this.current(subtask);
    if (!present.isTerminal) return present;
    const vertex = this.#options.jobGraph.vertices.find(({ id }) => id === present.vertexId);
    assert(vertex !== undefined, `${present.vertexId} is no vertex of job "${this.#options.jobGraph.name}".`);
    const next = new Execution({
      ...this.#options,
      vertex,
      subtaskIndex: present.subtaskIndex,
      isSource: present.view().isSource,
      attemptNumber: attemptNumber(present.attemptNumber + 1),
      createdAt: at,
    });
    // Until it is deployed: what it will start from is not known yet, and is at least this.
    next.recordsBefore = present.recordsBefore;
    next.accumulatorsBefore = present.accumulatorsBefore;
    this.#past.set(subtask, [present.past(), ...(this.#past.get(subtask) ?? [])].slice(0, limits.attemptsHistory));
    this.#current.set(subtask, next);
    this.#byAttempt.delete(present.attemptId);
    this.#byAttempt.set(next.attemptId, next);
    return next;
  }

  /** Attempts that were replaced, of all subtasks, the latest first (EX2). */
  pastAttempts(): readonly PastAttempt[] {
    const all = [...this.#past.values()].flat();
    return all.sort((left, right) => right.endedAt - left.endedAt).slice(0, limits.attemptsShown);
  }

  views(): readonly ExecutionView[] {
    return this.all().map((execution) => execution.view());
  }

  /** How the tasks fare, vertex by vertex. */
  vertexStatuses(): VertexStatus[] {
    return vertexStatusesOf(this.#options.jobGraph, this.all());
  }

  /** Current executions by state, the records that went in at the sources, and those that sinks wrote. */
  totals(): Pick<JobSummary, 'tasks' | 'recordsIn' | 'recordsOut'> {
    const tasks: Record<string, number> = {};
    let recordsIn = 0;
    let recordsOut = 0;
    const { vertices } = this.#options.jobGraph;
    const withSource = new Set(vertices.filter(({ operators }) => operators.some(({ kind }) => kind === 'source')).map(({ id }) => id));
    for (const { state, vertexId, metrics, recordsBefore } of this.all()) {
      tasks[state] = (tasks[state] ?? 0) + 1;
      if (withSource.has(vertexId)) recordsIn += recordsBefore.in + metrics.recordsIn;
      recordsOut += recordsBefore.written + metrics.recordsWritten;
    }
    return { tasks, recordsIn, recordsOut };
  }

  /** What the accumulators of the job say; nothing when they are what the job fails of. */
  accumulators(): Pick<JobSummary, 'accumulators'> {
    const merged = accumulatorsOf(this.all());
    return merged instanceof MillraceError ? {} : shownAccumulators(merged);
  }

  /** What the tasks that finished added to the result of the job, by name, in the order of the subtasks. */
  results(): Record<string, unknown[]> {
    const all: Record<string, unknown[]> = {};
    for (const { results } of this.all()) for (const [name, values] of Object.entries(results)) (all[name] ??= []).push(...values);
    return all;
  }
}
