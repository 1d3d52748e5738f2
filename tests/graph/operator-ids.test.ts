import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { idOfUid } from '../../graph/operator-ids.js';
import { planJob } from '../../graph/job-plan.js';
import type { StreamGraph } from '../../graph/types.js';
import { sketch, type EdgeSketch, type NodeSketch } from '../support/stream-graphs.js';

const test = suite('operator ids');

const idsOf = (graph: StreamGraph): ReadonlyMap<string, string> =>
  new Map(planJob(graph).jobGraph.vertices.flatMap((vertex) => vertex.operators.map((operator) => [operator.name, operator.id])));

/** source → middle → end, with an operator put in before `middle` or not. */
function line(middle: Partial<NodeSketch>, isLonger: boolean): StreamGraph {
  const nodes: NodeSketch[] = [{ name: 'source' }, { name: 'middle', ...middle }, { name: 'end' }, ...(isLonger ? [{ name: 'new' }] : [])];
  const edges: EdgeSketch[] = isLonger
    ? [
        ['source', 'new'],
        ['new', 'middle'],
        ['middle', 'end'],
      ]
    : [
        ['source', 'middle'],
        ['middle', 'end'],
      ];
  return sketch(nodes, edges);
}

test('a uid alone decides the id, whatever else changes (OI1)', () => {
  const before = idsOf(line({ uid: 'counts' }, false));
  const after = idsOf(line({ uid: 'counts', type: 'filter', parallelism: 1 }, true));
  assert.is(before.get('middle'), after.get('middle'));
  assert.is(before.get('middle'), idOfUid('counts'));
  assert.match(before.get('middle') as string, /^[0-9a-f]{32}$/);
});

test('a given name alone decides the id (OI1)', () => {
  assert.is(idsOf(line({ isNamed: true }, false)).get('middle'), idsOf(line({ isNamed: true }, true)).get('middle'));
});

test('without either, an edit upstream changes the id, so that state is never given to another operator (OI2)', () => {
  assert.is(idsOf(line({}, false)).get('middle'), idsOf(line({}, false)).get('middle'));
  assert.is.not(idsOf(line({}, false)).get('middle'), idsOf(line({}, true)).get('middle'));
  assert.is.not(idsOf(line({}, false)).get('end'), idsOf(line({}, true)).get('end'));
  assert.is(idsOf(line({}, false)).get('source'), idsOf(line({}, true)).get('source'));
});

test('twins have ids of their own (OI3)', () => {
  const graph = sketch(
    [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
  );
  const twins = { ...graph, nodes: graph.nodes.map((node) => (node.id === 0 ? node : { ...node, name: 'twin' })) };
  const ids = planJob(twins).jobGraph.vertices.flatMap((vertex) => vertex.operators.map((operator) => operator.id));
  assert.is(new Set(ids).size, 3);
});

test('a uid and a name of the same text are different ids', () => {
  const ids = idsOf(
    sketch(
      [
        { name: 'a', uid: 'b' },
        { name: 'b', isNamed: true },
      ],
      [['a', 'b']],
    ),
  );
  assert.is.not(ids.get('a'), ids.get('b'));
});

test('ids never change between versions', () => {
  assert.is(idOfUid('counts'), 'f28f50b6be371ccc537e632db8621c01');
  assert.is(idsOf(line({ isNamed: true }, false)).get('middle'), 'ab1234e7a1dd9d51425a7006f1aea81b');
});

test.run();
