/** How far runs of stages go, over chains drawn as edges. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StageRuns } from '../../dataflow/task/stage-runs.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';

const test = suite('runs of stages');

/** `a>b` is the main output, `a>b:late` a side output; `a>` goes to a channel. */
function runsOf(edges: string, stages: string): { readonly runs: StageRuns; readonly operator: (id: string) => OperatorDescriptor } {
  const drawn = edges.split(' ').map((edge) => {
    const [ends = '', sideOutput = null] = edge.split(':');
    const [source = '', target = ''] = ends.split('>');
    return { source, target, sideOutput };
  });
  const ids = [...new Set(drawn.flatMap(({ source, target }) => [source, target]))].filter((id) => id !== '');
  const operators = ids.map((id) => ({ id, name: id }) as unknown as OperatorDescriptor);
  const vertex = { operators, chainedEdges: drawn.filter(({ target }) => target !== '') } as unknown as JobVertex;
  const channels = drawn.filter(({ target }) => target === '');
  const runs = new StageRuns(
    vertex,
    channels.map(({ source, sideOutput }) => ({ sourceOperator: source as OperatorDescriptor['id'], sideOutput, emit: () => {} })),
  );
  for (const id of stages) runs.add(id, { operatorName: id, code: '', uses: {} });
  return { runs, operator: (id) => operators.find((operator) => operator.id === id) as OperatorDescriptor };
}

for (const { edges, stages, run, claim } of [
  { edges: 'a>b b>c c>', stages: 'abc', run: 'abc', claim: 'a run goes on to the last stage' },
  { edges: 'a>b b>c c>d', stages: 'abd', run: 'ab', claim: 'an operator that is no stage ends a run' },
  { edges: 'a>b a>', stages: 'ab', run: 'a', claim: 'a run ends where a channel takes the output as well (SR1)' },
  { edges: 'a>b a>c', stages: 'abc', run: 'a', claim: 'a run ends where a second operator takes the output as well (SR1)' },
  { edges: 'a>b a>c:late', stages: 'abc', run: 'ab', claim: 'who takes a side output ends no run' },
  { edges: 'a>b a>:late', stages: 'ab', run: 'ab', claim: 'nor does a channel of a side output' },
  { edges: 'a>b:late', stages: 'ab', run: 'a', claim: 'no run goes on by a side output' },
]) {
  test(`${claim}: ${edges}`, () => {
    const { runs, operator } = runsOf(edges, stages);
    const { stages: found, last } = runs.from(operator('a'));
    assert.is(found.map(({ operatorName }) => operatorName).join(''), run);
    assert.is(last.id, run.at(-1));
  });
}

test('behind an operator that is no stage, the run of its sole taker begins, or none does', () => {
  const sole = runsOf('s>a a>b b>', 'ab');
  assert.is(sole.runs.after(sole.operator('s')).last.id, 'b');
  const shared = runsOf('s>a s>', 'a');
  assert.equal(shared.runs.after(shared.operator('s')), { stages: [], last: shared.operator('s') });
});
test.run();
