import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { planJob } from '../../graph/job-plan.js';
import type { StreamEdge, StreamGraph } from '../../graph/types.js';
import { hash, rebalance, sketch } from '../support/stream-graphs.js';

const test = suite('validation of stream graphs');

function refused(graph: StreamGraph, code: string, message: RegExp): void {
  try {
    planJob(graph);
  } catch (error) {
    assert.instance(error, MillraceError);
    const { code: found, domain, recovery, hint, message: text } = error as MillraceError;
    assert.is(found, code, text);
    assert.match(text, message);
    assert.is(domain, 'user');
    assert.is(recovery, 'fail-job');
    assert.ok(hint !== undefined && hint.endsWith('.'), 'says what to do');
    return;
  }
  assert.unreachable(`${code} was accepted`);
}

const a = { name: 'a' } as const;
const b = { name: 'b' } as const;

test('every mistake has its code, names the operator and says what to do (GV1)', () => {
  refused(sketch([], []), 'GRAPH_NO_SOURCES', /"sketch" reads nothing/);
  refused(
    sketch(
      [
        { ...a, uid: 'x' },
        { ...b, uid: 'x' },
      ],
      [['a', 'b']],
    ),
    'UID_DUPLICATE',
    /uid "x" is used by "a" and by "b"/,
  );
  refused(sketch([{ ...a, uid: '' }, b], [['a', 'b']]), 'UID_EMPTY', /uid/);
  refused(
    sketch([{ ...a, isNamed: true }, { ...a, isNamed: true, kind: 'sink' }, b], [['a', 'b']]),
    'NAME_DUPLICATE',
    /Two operators are named "a"/,
  );
  refused(sketch([a, { name: ' ' }], [['a', ' ']]), 'OPERATOR_NAME_EMPTY', /name/);
  const longName = 'n'.repeat(limits.operatorNameMax + 1);
  refused(sketch([a, { name: longName }], [['a', longName]]), 'OPERATOR_NAME_TOO_LONG', /"n{39}…" has 129 characters; 128/);
  refused(sketch([a, b], [['a', 'b', { ...hash, keySelector: undefined }]]), 'KEY_SELECTOR_MISSING', /into "b"/);
  refused(sketch([a, { ...b, parallelism: 2 }], [['a', 'b']]), 'FORWARD_PARALLELISM', /"a" \(parallelism 1\) to "b" \(parallelism 2\)/);
  refused(sketch([a, b, { name: 'c' }], [['a', 'b']]), 'SOURCE_UNCONNECTED', /Nothing uses source "c"/);
  refused(sketch([a, b, { name: 'c', kind: 'operator' }], [['a', 'b']]), 'OPERATOR_UNCONNECTED', /"c" has no input/);
  refused(sketch([a, { ...b, parallelism: 0 }], [['a', 'b', rebalance]]), 'PARALLELISM_INVALID', /0 is not/);
  refused(sketch([a, { ...b, parallelism: 1.5 }], [['a', 'b', rebalance]]), 'PARALLELISM_INVALID', /1\.5 is not/);
  refused(sketch([a, { ...b, parallelism: 40_000 }], [['a', 'b', rebalance]]), 'MAX_PARALLELISM_INVALID', /40000/);
  refused(sketch([a, { ...b, maxParallelism: 0 }], [['a', 'b']]), 'MAX_PARALLELISM_INVALID', /0 is not/);
  refused(
    sketch([a, { ...b, parallelism: 9, maxParallelism: 8 }], [['a', 'b', rebalance]]),
    'PARALLELISM_ABOVE_MAXIMUM',
    /9 exceeds the maximum parallelism 8/,
  );
  refused(sketch([a, { ...b, isKeyed: true }], [['a', 'b']]), 'KEYED_INPUT_MISSING', /"b" has keyed state/);
  const twoInputs = (first: Partial<StreamEdge>, second: Partial<StreamEdge>): StreamGraph =>
    sketch(
      [a, { ...b, isKeyed: true }],
      [
        ['a', 'b', first],
        ['a', 'b', { ...second, inputIndex: 1 }],
      ],
    );
  refused(twoInputs(hash, rebalance), 'KEYED_INPUT_MISSING', /an input of it/);
  refused(twoInputs({ partitioner: 'BROADCAST' }, hash), 'KEYED_INPUT_MISSING', /an input of it/);
  planJob(twoInputs(hash, hash));
  planJob(twoInputs(hash, { partitioner: 'BROADCAST' }));
  refused(
    sketch(
      [a, b, { name: 'c' }],
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
      ],
    ),
    'GRAPH_CYCLE',
    /own output/,
  );
  refused(
    sketch(
      [a, { ...b, kind: 'sink' }, { name: 'c' }],
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
    ),
    'SINK_WITH_OUTPUT',
    /Sink "b" feeds "c"/,
  );
  refused(sketch([a, { ...b, kind: 'source' }], [['a', 'b']]), 'SOURCE_WITH_INPUT', /Source "b" has an input/);
  refused(
    sketch(
      [a, b],
      [
        ['a', 'b'],
        ['a', 'z'],
      ],
    ),
    'GRAPH_EDGE_DANGLING',
    /nowhere/,
  );
  refused(sketch([a, { ...b, id: 0 }], [['a', 'b']]), 'GRAPH_NODE_DUPLICATE', /number 0/);
  refused(sketch([a, { ...b, data: { call: () => 1 } }], [['a', 'b']]), 'DATA_UNSUPPORTED', /function/);
});

test('one name twice is fine when nobody gave it, and when both have uids', () => {
  const renamed = (graph: StreamGraph): StreamGraph => ({ ...graph, nodes: graph.nodes.map((node) => ({ ...node, name: 'same' })) });
  planJob(renamed(sketch([a, b], [['a', 'b']])));
  planJob(
    renamed(
      sketch(
        [
          { ...a, uid: 'one', isNamed: true },
          { ...b, uid: 'two', isNamed: true },
        ],
        [['a', 'b']],
      ),
    ),
  );
});

test.run();
