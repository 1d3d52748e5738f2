/** What the command line takes for its own flags, and what for parameters of the job. No cluster is needed. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repeated } from '../../api/parameters.js';
import { parseParameters } from '../../cluster/job-code/compiled-job.js';
import { boundTests } from '../support/bounds.js';
import { runScript } from '../support/process-cluster.js';

boundTests({ testMs: 60_000, fileMs: 120_000 });
const test = suite('the command line');
const tally = fileURLToPath(new URL('../support/jobs/tally.js', import.meta.url));

const info = (...words: string[]) => runScript('client.js', ['info', ...words]);

test('flags behind the module that are not its own are parameters of the job, with and without --', async () => {
  const plain = await info(tally, '--records', '10', '--output=/tmp/x');
  assert.is(plain.exitCode, 0, plain.errors);
  assert.match(plain.output, /Source: /);
  const dashed = await info(tally, '--', '--records', '10', '--output=/tmp/x');
  assert.is(dashed.output, plain.output);
  const both = await info(tally, '--records', '10', '--json', '--output', '/tmp/x');
  assert.is(both.exitCode, 0, both.errors);
  assert.ok(JSON.parse(both.output), 'its own flags are still its own');
});

test('a parameter that the job does not read is named, and so is one that it misses', async () => {
  const mistyped = await info(tally, '--records', '10', '--output', '/tmp/x', '--keyes', '3');
  assert.is(mistyped.exitCode, 1);
  assert.match(mistyped.errors, /no parameter "keyes"[^]*Did you mean "keys"/);
  const missing = await info(tally);
  assert.is(missing.exitCode, 1);
  assert.match(missing.errors, /needs the parameter "records"[^]*behind the module: --records <value>/);
});

test('an unknown flag in front of the module is not taken for the module', async () => {
  const { exitCode, errors } = await info('--input', 'x', tally);
  assert.is(exitCode, 1);
  assert.match(errors, /unknown option --input[^]*follow the module/);
});

test('a lone -- between parameters is none of them', () => {
  assert.equal(parseParameters(['--a', '1', '--', '--b=2', '--c']), { a: '1', b: '2', c: 'true' });
  assert.throws(() => parseParameters(['-a']), /"-a" is not a job parameter/);
});

test('a parameter that is given several times keeps all its values', () => {
  assert.equal(parseParameters(['--input', 'a', '--n', '1', '--input=b']), { input: repeated(['a', 'b']), n: '1' });
});

test.run();
