/** What `run` is told to run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jobUrl } from '../../cluster/embedded/job-url.js';
import { defineJob, run } from '../../index.js';
import { failureOf } from '../support/failure-of.js';

const test = suite('what run is told to run');

test('a module is named by its URL, or by its full path', () => {
  assert.is(jobUrl('file:///jobs/a.ts'), 'file:///jobs/a.ts');
  assert.is(jobUrl('/jobs/with space.ts'), 'file:///jobs/with%20space.ts');
});

const wrong: readonly (readonly [named: unknown, got: string])[] = [
  ['job.ts', '"job.ts"'],
  ['./job.js', '"./job.js"'],
  ['https://example.org/job.ts', '"https://example.org/job.ts"'],
  [defineJob('a job', (env) => void env.fromSequence(1, 2).print()), 'object'],
  [new URL('file:///jobs/a.ts'), 'object'],
  [undefined, 'undefined'],
  [null, 'null'],
];
for (const [named, got] of wrong) {
  test(`${got} is refused with what to write instead`, async () => {
    const error = await failureOf(run(named as string));
    assert.is(error.code, 'JOB_MODULE_URL_INVALID');
    assert.match(error.message, `run got ${got} instead of`);
    assert.match(error.hint ?? '', 'runIfMain');
  });
}

test.run();
