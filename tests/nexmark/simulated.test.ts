/** Every query on simulated clusters, with processes killed and messages lost: it commits the rows of the naive computation. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queryNames } from '../../scripts/nexmark/queries.js';
import { simulatedQuery } from '../../scripts/nexmark/simulated-query.js';
import { simulateRun } from '../../testing/simulator/simulated-run.js';
import { boundTests } from '../support/bounds.js';

boundTests({ testMs: 60_000, fileMs: 300_000 });
const test = suite('nexmark simulated');

let restarts = 0;

for (const [index, query] of queryNames.entries()) {
  test(`${query} commits the right rows whatever fails`, async () => {
    const seed = 100 + index;
    const verdict = await simulateRun({ seed, focus: 'tasks', work: (random) => simulatedQuery(query, random) });
    assert.is(
      verdict.violation,
      undefined,
      `seed ${seed}: ${verdict.violation?.code} ${verdict.violation?.detail}; ${verdict.blows.join(', ')}`,
    );
    restarts += verdict.restarts;
  });
}

test('tasks were lost in these runs', () => assert.ok(restarts > 10, `${restarts} restarts`));

test.run();
