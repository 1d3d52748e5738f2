/**
 * Hands out splits as the JobManager does, by its own source coordinators, for the task harness. Who has to wait is answered
 * as soon as there is an answer.
 */
import { JobSources, type RestoredTasks } from '../actors/scheduler/job-sources.js';
import { parseAttemptId, type AttemptId, type OperatorId } from '../core/ids.js';
import type { Split } from '../dataflow/contracts.js';
import type { SplitRequest, SplitSource, SplitTimeReply, SplitTimeReport } from '../dataflow/task-runtime.js';
import { executionVerticesOf, executionVertexId } from '../graph/execution-graph.js';
import type { JobGraph } from '../graph/types.js';
import type { SourceCoordinatorSnapshot } from '../storage/contracts.js';

interface SplitAsking extends SplitRequest {
  readonly operator: OperatorId;
  readonly attemptId: AttemptId;
  readonly answer: (split: Split | undefined) => void;
}

export class HarnessSplits {
  readonly #jobGraph: JobGraph;
  #sources: JobSources;
  #waiting: SplitAsking[] = [];
  #requests = 0;

  constructor(jobGraph: JobGraph) {
    this.#jobGraph = jobGraph;
    this.#sources = new JobSources(jobGraph);
  }

  needsEnumeration(operator: OperatorId): boolean {
    return this.#sources.find(operator).needsEnumeration;
  }

  lists(): readonly SourceCoordinatorSnapshot[] {
    return this.#sources.snapshots();
  }

  /** Everything starts again: what no restored reader owns is to be handed out; without a checkpoint all is found anew. */
  reset(restored: RestoredTasks, sources: readonly SourceCoordinatorSnapshot[]): void {
    this.#waiting = [];
    this.#sources = new JobSources(this.#jobGraph);
    const subtasks = executionVerticesOf(this.#jobGraph).map(({ vertexId, subtaskIndex }) => executionVertexId(vertexId, subtaskIndex));
    this.#sources.reset(subtasks, restored, { sources });
  }

  /** What the task of an attempt asks; `later` is how long it waits for answers. */
  sourceFor(attemptId: AttemptId, later: <T>(value: () => T) => Promise<T>): SplitSource {
    return {
      enumerated: (operator, splits, isOpen = false) => later(() => this.#enumerated(operator, attemptId, { splits, isOpen })),
      requestSplit: async (operator, request) => {
        const split = await this.#request(operator, attemptId, request);
        return later(() => split);
      },
      exchangeTime: (operator, alignment) => later(() => this.#timeOf(operator, attemptId, alignment)),
    };
  }

  #enumerated(operator: OperatorId, attemptId: AttemptId, { splits, isOpen }: { splits: readonly Split[]; isOpen: boolean }): void {
    this.#sources.find(operator).enumerated({ attemptId, part: 0, isLast: true, isOpen, splits });
    for (const asking of this.#waiting.splice(0)) this.#answer(asking);
  }

  /** The next split, once they are known; undefined: no more, which who asks again is never told. */
  #request(operator: OperatorId, attemptId: AttemptId, request: SplitRequest): Promise<Split | undefined> {
    return new Promise((answer) => this.#answer({ ...request, operator, attemptId, answer }));
  }

  #timeOf(operator: OperatorId, attemptId: AttemptId, alignment?: SplitTimeReport): SplitTimeReply {
    return this.#sources.timeOf(operator, parseAttemptId(attemptId).subtaskIndex, alignment);
  }

  #answer(asking: SplitAsking): void {
    const { operator, attemptId, isShare } = asking;
    const asksAgain = asking.askAgainMs !== undefined;
    const { subtaskIndex } = parseAttemptId(attemptId);
    const requestNumber = (this.#requests += 1);
    const reply = this.#sources.find(operator).request({ attemptId, subtaskIndex, requestNumber, isShare, asksAgain });
    if (reply.kind === 'split') asking.answer(reply.split);
    else if (reply.kind === 'wait' || asksAgain) this.#waiting.push(asking);
    else asking.answer(undefined);
  }
}
