import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import { planJob } from '../../graph/job-plan.js';
import type { StreamGraph } from '../../graph/types.js';
import { present } from '../support/present.js';
import { hash, rebalance, sketch, type NodeSketch } from '../support/stream-graphs.js';

const test = suite('chaining');

const names = (graph: StreamGraph): readonly string[] => planJob(graph).jobGraph.vertices.map((vertex) => vertex.name);
const pair = (left: Partial<NodeSketch>, right: Partial<NodeSketch>): StreamGraph =>
  sketch(
    [
      { name: 'a', ...left },
      { name: 'b', ...right },
    ],
    [['a', 'b']],
  );

test('operators with one forward input and equal parallelism run in one task, named a -> b -> c (CH1)', () => {
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
        [
          ['a', 'b'],
          ['b', 'c'],
        ],
      ),
    ),
    ['a -> b -> c'],
  );
});

test('a long chain is named by its beginning', () => {
  const letters = ['a', 'b', 'c'].map((letter) => letter.repeat(limits.operatorNameMax));
  const [a = '', b = '', c = ''] = letters;
  const [name = ''] = names(
    sketch(
      letters.map((each) => ({ name: each })),
      [
        [a, b],
        [b, c],
      ],
    ),
  );
  assert.is(name.length, limits.taskNameMax);
  assert.ok(name.startsWith(`${a} -> b`) && name.endsWith('b…'), name);
});

test('a chain that forks is named a -> (b, c)', () => {
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
        [
          ['a', 'b'],
          ['a', 'c'],
        ],
      ),
    ),
    ['a -> (b, c)'],
  );
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }, { name: 'e' }],
        [
          ['a', 'b'],
          ['b', 'c'],
          ['b', 'd'],
          ['a', 'e'],
        ],
      ),
    ),
    ['a -> (b -> (c, d), e)'],
  );
});

test('each of the conditions breaks a chain (CH1)', () => {
  assert.equal(names(pair({}, {})), ['a -> b']);
  assert.equal(names({ ...pair({}, {}), isChainingEnabled: false }), ['a', 'b'], 'chaining off');
  assert.equal(names(pair({ chaining: 'NEVER' }, {})), ['a', 'b'], 'upstream never');
  assert.equal(names(pair({}, { chaining: 'NEVER' })), ['a', 'b'], 'downstream never');
  assert.equal(names(pair({}, { chaining: 'HEAD' })), ['a', 'b'], 'downstream starts a chain');
  assert.equal(names(pair({}, { slotSharingGroup: 'other' })), ['a', 'b'], 'other slot sharing group');
  assert.equal(names(sketch([{ name: 'a' }, { name: 'b' }], [['a', 'b', rebalance]])), ['a', 'b'], 'not forward');
  assert.equal(names(sketch([{ name: 'a' }, { name: 'b', parallelism: 2 }], [['a', 'b', rebalance]])), ['a', 'b'], 'other parallelism');
  assert.equal(names(sketch([{ name: 'a' }, { name: 'b', isKeyed: true }], [['a', 'b', hash]])), ['a', 'b'], 'by key');
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
        [
          ['a', 'c'],
          ['b', 'c'],
        ],
      ),
    ),
    ['a', 'b', 'c'],
    'two inputs',
  );
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'c' }],
        [
          ['a', 'c'],
          ['a', 'c'],
        ],
      ),
    ),
    ['a', 'c'],
    'the same stream twice',
  );
});

test('HEAD starts a chain that goes on, and different maximum parallelism does not break one', () => {
  assert.equal(
    names(
      sketch(
        [{ name: 'a' }, { name: 'b', chaining: 'HEAD' }, { name: 'c' }],
        [
          ['a', 'b'],
          ['b', 'c'],
        ],
      ),
    ),
    ['a', 'b -> c'],
  );
  const [vertex] = planJob(pair({ maxParallelism: 8 }, { maxParallelism: 16 })).jobGraph.vertices;
  assert.is(vertex?.name, 'a -> b');
  assert.is(vertex?.maxParallelism, 8);
});

test('an edge between chains always ends at a head, and starts at the operator whose output travels (CH2)', () => {
  const plan = planJob(
    sketch(
      [{ name: 'a' }, { name: 'b' }, { name: 'c', isKeyed: true }, { name: 'd' }],
      [
        ['a', 'b'],
        ['b', 'c', hash],
        ['a', 'd', { ...rebalance, sideOutput: 'late' }],
      ],
    ),
  );
  const [ab, c, d] = plan.jobGraph.vertices;
  assert.equal(
    plan.jobGraph.vertices.map((vertex) => vertex.name),
    ['a -> b', 'c', 'd'],
  );
  assert.equal(
    plan.jobGraph.edges.map(({ sourceVertex, targetVertex, sourceOperator, partitioner, sideOutput }) => [
      sourceVertex,
      targetVertex,
      sourceOperator,
      partitioner,
      sideOutput,
    ]),
    [
      [ab?.id, c?.id, ab?.operators[1]?.id, 'HASH', null],
      [ab?.id, d?.id, ab?.operators[0]?.id, 'REBALANCE', 'late'],
    ],
  );
  assert.type(plan.edges.get(present(plan.jobGraph.edges[0]).id)?.keySelector, 'function');
});

test('a side output that is forwarded is a direct call with its tag', () => {
  const [vertex] = planJob(sketch([{ name: 'a' }, { name: 'b' }], [['a', 'b', { sideOutput: 'late' }]])).jobGraph.vertices;
  assert.equal(
    vertex?.chainedEdges.map((edge) => edge.sideOutput),
    ['late'],
  );
});

test.run();
