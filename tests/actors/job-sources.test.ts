/** What a job's sources make of the state that its tasks restore. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JobSources } from '../../actors/scheduler/job-sources.js';
import { encode } from '../../bus/codec/cbor.js';
import type { AttemptId, OperatorId } from '../../core/ids.js';
import { executionVertexId } from '../../graph/execution-graph.js';
import { planJob } from '../../graph/job-plan.js';
import type { TaskSnapshot } from '../../storage/contracts.js';
import { rangeSource, streamGraph, transactionalCollector, CommittedOutput } from '../support/stream-jobs.js';

const test = suite('sources of a job');

test('a subtask that was at its end in the checkpoint is given no split that nobody had yet (SC6)', () => {
  const { jobGraph } = planJob(
    streamGraph({
      parallelism: 2,
      nodes: [
        { name: 'numbers', source: rangeSource({ splits: 4, recordsPerSplit: 1, value: () => 0 }) },
        { name: 'out', isSink: true, create: transactionalCollector(new CommittedOutput<number>()) },
      ],
      edges: [{ from: 'numbers', to: 'out' }],
    }),
  );
  const [vertex] = jobGraph.vertices;
  assert.ok(vertex);
  const operatorId = vertex.operators[0]?.id as OperatorId;
  const sources = new JobSources(jobGraph);
  const snapshotOf = (subtaskIndex: number, finished: readonly string[]): TaskSnapshot => ({
    vertexId: vertex.id,
    subtaskIndex,
    operators: [{ operatorId, keyed: [], operatorState: encode({ finished, unfinished: [] }) }],
    isFinished: subtaskIndex === 1,
    stateBytes: 0,
  });
  const subtasks = [0, 1].map((subtaskIndex) => executionVertexId(vertex.id, subtaskIndex));
  const restored = new Map([
    [subtasks[0] as (typeof subtasks)[number], [snapshotOf(0, ['a', 'c'])]],
    [subtasks[1] as (typeof subtasks)[number], [snapshotOf(1, ['b'])]],
  ]);
  const splits = ['a', 'b', 'c', 'd'].map((id) => ({ id, split: null }));
  sources.reset(subtasks, restored, { sources: [{ operatorId, splits }] });
  const reply = sources.find(operatorId).request({ attemptId: 'x_0' as AttemptId, subtaskIndex: 0, requestNumber: 0, isShare: true });
  assert.equal(reply, { kind: 'split', split: { id: 'd', data: null } });
});

test.run();
