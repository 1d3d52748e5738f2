/** What travels on the edges of small graphs (graph/projection.ts). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import { taskWiringOf } from '../../graph/deployment.js';
import { planJob } from '../../graph/job-plan.js';
import { planJson } from '../../graph/plan-json.js';
import { planPicture } from '../../graph/plan-picture.js';
import { fieldsOfEdges } from '../../graph/projection.js';
import { topologyOf } from '../../graph/topology.js';
import type { FieldUse, StreamEdge, StreamGraph } from '../../graph/types.js';
import { hash, rebalance, sketch, type EdgeSketch, type NodeSketch } from '../support/stream-graphs.js';

const test = suite('projection');

const uses = (...fields: string[]): { readonly fieldUse: FieldUse } => ({ fieldUse: { fields, isPassedOn: false } });
const secondUses = (...fields: string[]): { readonly secondFieldUse: FieldUse } => ({ secondFieldUse: { fields, isPassedOn: false } });
const passesOn = (...fields: string[]): { readonly fieldUse: FieldUse } => ({ fieldUse: { fields, isPassedOn: true } });
const keyed = { isKeyed: true } as const;
const byKey = (...keyFields: string[]): Partial<StreamEdge> => ({ ...hash, keyFields });

/** `from>to` of every edge, and what it carries. */
function carried(
  nodes: readonly NodeSketch[],
  edges: readonly EdgeSketch[],
  graph: Partial<StreamGraph> = {},
): Readonly<Record<string, unknown>> {
  const stream = sketch(nodes, edges, graph);
  const nameOf = (id: number): string => stream.nodes.find((node) => node.id === id)?.name ?? '';
  return Object.fromEntries(
    [...fieldsOfEdges(topologyOf(stream))].map(([edge, fields]) => [`${nameOf(edge.source)}>${nameOf(edge.target)}`, fields ?? 'all']),
  );
}

const all = 'all';
const source = { name: 'source' };
const sink = { name: 'sink' };

const cases: readonly (readonly [
  claim: string,
  nodes: readonly NodeSketch[],
  edges: readonly EdgeSketch[],
  expected: Readonly<Record<string, unknown>>,
])[] = [
  [
    'a function that declares nothing uses all, and so does a sink',
    [source, { name: 'map' }, sink],
    [
      ['source', 'map'],
      ['map', 'sink'],
    ],
    { 'source>map': all, 'map>sink': all },
  ],
  [
    'an operator that makes new records uses what it declares, whatever is behind it',
    [source, { name: 'map', ...uses('a', 'b') }, sink],
    [
      ['source', 'map', rebalance],
      ['map', 'sink'],
    ],
    { 'source>map': ['a', 'b'], 'map>sink': all },
  ],
  [
    'an operator that hands its records on uses what is used behind it as well, its own first (PJ4)',
    [source, { name: 'filter', ...passesOn('c') }, { name: 'map', ...uses('b', 'c', 'a') }, sink],
    [
      ['source', 'filter'],
      ['filter', 'map'],
      ['map', 'sink'],
    ],
    { 'source>filter': ['c', 'b', 'a'], 'filter>map': ['b', 'c', 'a'], 'map>sink': all },
  ],
  [
    'names that are array indices stand where every object has them: first, ascending (PJ4)',
    [source, { name: 'sum', ...keyed, ...uses('1', 'b', '4294967295', '4294967294', '01', '0') }, { name: 'map', ...uses('b', '3', '1') }],
    [
      ['source', 'sum', byKey('2', 'a')],
      ['sum', 'map', rebalance],
    ],
    { 'source>sum': ['0', '1', '2', '4294967294', 'a', 'b', '4294967295', '01'], 'sum>map': ['1', '3', 'b'] },
  ],
  [
    'in front of a sink, an operator that hands its records on uses all (PJ1)',
    [source, { name: 'filter', ...passesOn('c') }, sink],
    [
      ['source', 'filter'],
      ['filter', 'sink'],
    ],
    { 'source>filter': all, 'filter>sink': all },
  ],
  [
    'a keyed operator gets the fields of the key, which it makes again (PJ3)',
    [source, { name: 'sum', ...keyed, ...passesOn('visits') }, { name: 'select', ...uses('page', 'visits') }, sink],
    [
      ['source', 'sum', byKey('page')],
      ['sum', 'select'],
      ['select', 'sink'],
    ],
    { 'source>sum': ['page', 'visits'], 'sum>select': ['page', 'visits'], 'select>sink': all },
  ],
  [
    'with a key that may look at anything all travels, whatever the operator declares (PJ3)',
    [source, { name: 'count', ...keyed, ...uses('visits') }, sink],
    [
      ['source', 'count', hash],
      ['count', 'sink'],
    ],
    { 'source>count': all, 'count>sink': all },
  ],
  [
    'an operator without state does not get the fields of the key; the one before it does, where the key is made (PJ3)',
    [source, { name: 'filter', ...passesOn('c') }, { name: 'map', ...uses('b') }, sink],
    [
      ['source', 'filter', rebalance],
      ['filter', 'map', byKey('a')],
      ['map', 'sink'],
    ],
    { 'source>filter': ['c', 'a', 'b'], 'filter>map': ['b'], 'map>sink': all },
  ],
  [
    'a custom partition without declared fields may look at anything, where it is computed (PJ3)',
    [source, { name: 'filter', ...passesOn('c') }, { name: 'map', ...uses('b') }, sink],
    [
      ['source', 'filter', rebalance],
      ['filter', 'map', { partitioner: 'CUSTOM', keySelector: () => 0, customPartition: () => 0 }],
      ['map', 'sink'],
    ],
    { 'source>filter': all, 'filter>map': ['b'], 'map>sink': all },
  ],
  [
    'what several consumers use is used, each consumer gets its own',
    [source, { name: 'filter', ...passesOn('c') }, { name: 'left', ...uses('a') }, { name: 'right', ...uses('b', 'a') }, sink],
    [
      ['source', 'filter', rebalance],
      ['filter', 'left', rebalance],
      ['filter', 'right', rebalance],
      ['left', 'sink'],
      ['right', 'sink'],
    ],
    { 'source>filter': ['c', 'a', 'b'], 'filter>left': ['a'], 'filter>right': ['b', 'a'], 'left>sink': all, 'right>sink': all },
  ],
  [
    'all origins of a union carry the same',
    [{ name: 'left' }, { name: 'right' }, { name: 'map', ...uses('a') }, sink],
    [
      ['left', 'map'],
      ['right', 'map', rebalance],
      ['map', 'sink'],
    ],
    { 'left>map': ['a'], 'right>map': ['a'], 'map>sink': all },
  ],
  [
    'each of two inputs carries what is used of it, and the fields of its own key (PJ3)',
    [{ name: 'left' }, { name: 'right' }, { name: 'join', ...keyed, ...uses('a'), ...secondUses('b') }, sink],
    [
      ['left', 'join', byKey('id')],
      ['right', 'join', { ...byKey('owner'), inputIndex: 1 }],
      ['join', 'sink'],
    ],
    { 'left>join': ['id', 'a'], 'right>join': ['owner', 'b'], 'join>sink': all },
  ],
  [
    'what is said of one of two inputs says nothing of the other',
    [{ name: 'left' }, { name: 'right' }, { name: 'join', ...secondUses('b') }, sink],
    [
      ['left', 'join', rebalance],
      ['right', 'join', { ...rebalance, inputIndex: 1 }],
      ['join', 'sink'],
    ],
    { 'left>join': all, 'right>join': ['b'], 'join>sink': all },
  ],
  [
    'records that are broadcast to a keyed operator have no key to be made again',
    [{ name: 'left' }, { name: 'rules' }, { name: 'apply', ...keyed, ...uses('a'), ...secondUses('b') }, sink],
    [
      ['left', 'apply', byKey('id')],
      ['rules', 'apply', { partitioner: 'BROADCAST', inputIndex: 1 }],
      ['apply', 'sink'],
    ],
    { 'left>apply': ['id', 'a'], 'rules>apply': ['b'], 'apply>sink': all },
  ],
];

for (const [claim, nodes, edges, expected] of cases) {
  test(claim, () => {
    assert.equal(carried(nodes, edges), expected);
    assert.equal(carried(nodes, edges, { isChainingEnabled: false }), expected, 'the same without chains (PJ2)');
  });
}

const visits = (change: Partial<NodeSketch> = {}, edge = byKey('page')): StreamGraph =>
  sketch(
    [source, { name: 'count', ...keyed, ...uses('visits'), ...change }, sink],
    [
      ['source', 'count', edge],
      ['count', 'sink'],
    ],
  );

test('the job graph, the wiring of tasks and both plans say what travels', () => {
  const { jobGraph } = planJob(visits());
  const [edge] = jobGraph.edges;
  assert.equal(edge?.fields, ['page', 'visits']);
  const wiring = taskWiringOf({
    jobGraph,
    vertexId: edge?.sourceVertex as never,
    subtaskIndex: 0,
    placed: () => ({ attemptId: 'a_0_1_0', location: { taskManagerId: 'tm', slot: 0 } }) as never,
  });
  assert.equal(
    wiring.outputs.map(({ fields }) => fields),
    [['page', 'visits']],
  );
  assert.equal(planJson(jobGraph).nodes[1]?.inputs[0]?.fields, ['page', 'visits']);
  assert.match(planPicture(jobGraph), '   │ HASH [page, visits]\n');
  const many = Array.from({ length: 11 }, (_, n) => `f${n}`);
  assert.match(planPicture(planJob(visits(uses(...many))).jobGraph), '   │ HASH [page, f0, f1, f2, f3, f4, f5, f6, … 4 more]\n');
});

test('the picture of a plan says which records come to the second input', () => {
  const { jobGraph } = planJob(
    sketch(
      [{ name: 'left' }, { name: 'right' }, { name: 'join', ...keyed, ...secondUses('b') }, sink],
      [
        ['left', 'join', byKey('id')],
        ['right', 'join', { ...byKey('owner'), inputIndex: 1 }],
        ['join', 'sink'],
      ],
    ),
  );
  assert.match(planPicture(jobGraph), '   │ [1] HASH\n   │ [2] HASH [owner, b] (input 2)\n   ▼\n┌');
});

test('an edge that carries all says nothing, so that graphs of before have the digests they had', () => {
  const { jobGraph } = planJob(visits({ fieldUse: undefined }));
  assert.not('fields' in (jobGraph.edges[0] ?? {}));
  assert.is(planJson(jobGraph).nodes[1]?.inputs[0]?.fields, null);
  assert.match(planPicture(jobGraph), '   │ HASH\n');
});

test('what is declared counts in the fingerprint', () => {
  const prints = [
    visits(),
    visits(uses('hits')),
    visits(passesOn('visits')),
    visits({ fieldUse: undefined }),
    visits({}, hash),
    visits({}, byKey('site')),
    visits(secondUses('hits')),
  ].map((graph) => planJob(graph).jobGraph.operatorFingerprints[1]?.digest);
  assert.is(new Set(prints).size, prints.length);
});

test('names that cannot be those of fields are refused, with the operator', () => {
  const refused = (graph: StreamGraph, code: string, where: string, message: RegExp): void => {
    try {
      planJob(graph);
    } catch (error) {
      assert.instance(error, MillraceError, String(error));
      const { code: got, message: text, where: place } = error as MillraceError;
      assert.equal([got, place], [code, where]);
      assert.match(text, message);
      return;
    }
    assert.unreachable(`${code} was accepted`);
  };
  refused(visits(uses()), 'FIELDS_EMPTY', 'count', /No field is named/);
  refused(visits(uses('a', 'b', 'a')), 'FIELD_DUPLICATE', 'count', /"a" is named twice/);
  refused(visits(uses(7 as never)), 'FIELD_NAME_INVALID', 'count', /not a value of type number/);
  refused(visits(uses(null as never)), 'FIELD_NAME_INVALID', 'count', /not null/);
  for (const name of ['constructor', '__proto__', 'toString']) refused(visits(uses(name)), 'FIELD_INHERITED', 'count', new RegExp(name));
  refused(visits({}, byKey()), 'FIELDS_EMPTY', 'keyBy before count', /No field/);
  refused(visits({}, byKey('a', 'a')), 'FIELD_DUPLICATE', 'keyBy before count', /"a"/);
});

test.run();
