import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { attemptNumber, formatAttemptId, leaderEpoch, parseAttemptId, taskManagerId, type VertexId } from '../../core/ids.js';
import { taskWiringOf, type PlacedAttempt, type TaskWiring } from '../../graph/deployment.js';
import { channelsOf, executionName, executionVerticesOf, isSourceVertex, sourceOperatorsOf } from '../../graph/execution-graph.js';
import { planJob } from '../../graph/job-plan.js';
import { pipelinedRegionsOf } from '../../graph/regions.js';
import { sharedSlotsOf, slotsNeededBy } from '../../graph/slot-sharing.js';
import type { JobGraph } from '../../graph/types.js';
import { present } from '../support/present.js';
import { hash, rebalance, sketch } from '../support/stream-graphs.js';

const test = suite('execution graph');

/** source ×2 —HASH→ count ×3 —REBALANCE→ sink ×1. */
const keyed = (): JobGraph =>
  planJob(
    sketch(
      [{ name: 'source', parallelism: 2 }, { name: 'count', parallelism: 3, isKeyed: true }, { name: 'sink' }],
      [
        ['source', 'count', hash],
        ['count', 'sink', rebalance],
      ],
    ),
  ).jobGraph;

/** Two tasks a subtask, side by side. */
const pointwise = (): JobGraph =>
  planJob(
    sketch(
      [
        { name: 'a', parallelism: 3 },
        { name: 'b', parallelism: 3, chaining: 'HEAD' },
      ],
      [['a', 'b']],
    ),
  ).jobGraph;

const vertex = (graph: JobGraph, name: string): VertexId => present(graph.vertices.find((candidate) => candidate.name === name)).id;

test('executions are listed by vertex, then by subtask (EG1)', () => {
  const graph = keyed();
  assert.equal(
    executionVerticesOf(graph).map(
      ({ vertexId, subtaskIndex }) => `${graph.vertices.find(({ id }) => id === vertexId)?.name}${subtaskIndex}`,
    ),
    ['source0', 'source1', 'count0', 'count1', 'count2', 'sink0'],
  );
  assert.is(executionName(present(graph.vertices[1]), 0), 'count (1/3)');
  assert.equal(
    graph.vertices.map((candidate) => isSourceVertex(graph, candidate.id)),
    [true, false, false],
  );
  assert.equal(
    graph.vertices.map((candidate) => sourceOperatorsOf(candidate).length),
    [1, 0, 0],
  );
});

test('FORWARD wires subtask to subtask, everything else all to all (EG2)', () => {
  assert.equal(
    channelsOf(pointwise(), present(pointwise().edges[0])).map(({ producer, consumer }) => [producer, consumer]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  );
  assert.equal(
    channelsOf(keyed(), present(keyed().edges[0])).map(({ producer, consumer }) => [producer, consumer]),
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ],
  );
});

/** The consumers of each producer, over an edge between so many subtasks. */
function rescaled(from: number, to: number): readonly (readonly number[])[] {
  const { jobGraph } = planJob(
    sketch(
      [
        { name: 'a', parallelism: from },
        { name: 'b', parallelism: to },
      ],
      [['a', 'b', { partitioner: 'RESCALE' }]],
    ),
  );
  const wired = Array.from({ length: from }, (): number[] => []);
  for (const { producer, consumer } of channelsOf(jobGraph, present(jobGraph.edges[0]))) wired[producer]?.push(consumer);
  return wired;
}

test('RESCALE wires neighbours: nobody is left out, shares differ by one at most, and the order is kept (EG2)', () => {
  assert.equal(rescaled(2, 4), [
    [0, 1],
    [2, 3],
  ]);
  assert.equal(rescaled(4, 2), [[0], [0], [1], [1]]);
  assert.equal(rescaled(3, 2), [[0], [1], [1]]);
  for (let from = 1; from <= 9; from += 1) {
    for (let to = 1; to <= 9; to += 1) {
      const wired = rescaled(from, to);
      const consumers = wired.flat();
      assert.equal(
        consumers,
        [...consumers].sort((left, right) => left - right),
      );
      assert.is(new Set(consumers).size, to);
      assert.ok(wired.every((of) => of.length >= 1));
      assert.is(consumers.length, Math.max(from, to));
      const shares =
        from >= to ? Array.from({ length: to }, (_, index) => consumers.filter((of) => of === index).length) : wired.map((of) => of.length);
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, `${from} to ${to}`);
    }
  }
});

test('an exchange of all with all makes one region, exchanges side by side make many (PR1, PR2)', () => {
  assert.is(pipelinedRegionsOf(keyed()).length, 1);
  assert.equal(pipelinedRegionsOf(keyed())[0], executionVerticesOf(keyed()));
  const graph = pointwise();
  const regions = pipelinedRegionsOf(graph);
  assert.equal(
    regions.map((region) => region.map(({ subtaskIndex }) => subtaskIndex)),
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  );
});

test('parts of a job that share nothing are regions of their own (PR1)', () => {
  const graph = planJob(
    sketch(
      [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }],
      [
        ['a', 'b', rebalance],
        ['c', 'd', rebalance],
      ],
    ),
  ).jobGraph;
  assert.is(pipelinedRegionsOf(graph).length, 2);
});

test('a job needs as many slots as the largest parallelism of each group, together (SS1, SS2)', () => {
  const graph = planJob(
    sketch(
      [
        { name: 'a', parallelism: 2 },
        { name: 'b', parallelism: 4 },
        { name: 'c', parallelism: 3, slotSharingGroup: 'heavy' },
      ],
      [
        ['a', 'b', rebalance],
        ['b', 'c', rebalance],
      ],
    ),
  ).jobGraph;
  assert.is(slotsNeededBy(graph), 7);
  const slots = sharedSlotsOf(graph);
  assert.equal(
    slots.map((slot) => [slot.index, slot.group, slot.subtaskIndex, slot.executions.length]),
    [
      [0, 'default', 0, 2],
      [1, 'default', 1, 2],
      [2, 'default', 2, 1],
      [3, 'default', 3, 1],
      [4, 'heavy', 0, 1],
      [5, 'heavy', 1, 1],
      [6, 'heavy', 2, 1],
    ],
  );
  for (const { vertexId, subtaskIndex } of executionVerticesOf(graph)) {
    const holding = slots.filter((slot) => slot.executions.some((one) => one.vertexId === vertexId && one.subtaskIndex === subtaskIndex));
    assert.equal(
      holding.map((slot) => slot.subtaskIndex),
      [subtaskIndex],
    );
  }
});

function wiringsOf(graph: JobGraph, attempts: number): ReadonlyMap<string, TaskWiring> {
  const placed = (vertexId: VertexId, subtaskIndex: number): PlacedAttempt => ({
    attemptId: formatAttemptId({ vertexId, subtaskIndex, leaderEpoch: leaderEpoch(1), attemptNumber: attemptNumber(attempts) }),
    location: { taskManagerId: taskManagerId(`tm-${subtaskIndex}`), slot: subtaskIndex },
  });
  return new Map(
    executionVerticesOf(graph).map((task) => [`${task.vertexId}/${task.subtaskIndex}`, taskWiringOf({ jobGraph: graph, ...task, placed })]),
  );
}

test('both ends of a channel agree on its id and name each other (DP1)', () => {
  for (const graph of [keyed(), pointwise()]) {
    const wirings = wiringsOf(graph, 0);
    const ends = new Map<string, number>();
    for (const [task, wiring] of wirings) {
      for (const end of [...wiring.inputs, ...wiring.outputs].flatMap((side) => side.channels)) {
        const [, producer, consumer] = end.channelId.split('~') as [string, string, string];
        const peer = [producer, consumer].map(parseAttemptId).find((parts) => `${parts.vertexId}/${parts.subtaskIndex}` !== task);
        assert.is(peer?.subtaskIndex, end.peerSubtask);
        assert.is(end.peer.taskManagerId, `tm-${end.peerSubtask}`);
        ends.set(end.channelId, (ends.get(end.channelId) ?? 0) + 1);
      }
    }
    assert.is(
      ends.size,
      graph.edges.reduce((sum, edge) => sum + channelsOf(graph, edge).length, 0),
    );
    for (const [id, count] of ends) assert.is(count, 2, id);
  }
});

test('another attempt of either end makes another channel (DP1)', () => {
  const idsOf = (attempt: number) =>
    [...wiringsOf(keyed(), attempt).values()].flatMap((wiring) =>
      wiring.outputs.flatMap((output) => output.channels.map(({ channelId }) => channelId)),
    );
  const [before, after] = [idsOf(0), idsOf(1)];
  assert.ok(before.length > 0);
  assert.ok(before.every((id) => !after.includes(id)));
});

test('gates and partitions carry what the task needs of their edge, channels in order (DP2)', () => {
  const graph = keyed();
  const wiring = present(wiringsOf(graph, 0).get(`${vertex(graph, 'count')}/1`));
  assert.equal(
    wiring.inputs.map(({ partitioner, inputIndex, channels }) => [partitioner, inputIndex, channels.map((end) => end.peerSubtask)]),
    [['HASH', 0, [0, 1]]],
  );
  const source = present(wiringsOf(graph, 0).get(`${vertex(graph, 'source')}/0`));
  assert.equal(source.inputs, []);
  assert.equal(
    source.outputs.map(({ partitioner, consumerMaxParallelism, channels }) => [
      partitioner,
      consumerMaxParallelism,
      channels.map((end) => end.peerSubtask),
    ]),
    [['HASH', 128, [0, 1, 2]]],
  );
});

test.run();
