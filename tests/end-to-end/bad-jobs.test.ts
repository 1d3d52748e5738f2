/** Jobs and settings that are wrong, as their author meets them: one clear message, an exit code, nothing left behind. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { type CommandResult, runProgram, runScript } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });
const test = suite('bad jobs and settings');
const folder = temporaryDirectory('bad-jobs');
/** Of the programs under test: what is left in it was left behind. */
const temporary = temporaryDirectory('bad-jobs-tmp');
const env = { TMPDIR: temporary };

function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const define = (body: string): string =>
  `import { defineJob } from 'millrace';\nexport default defineJob('bad', (env) => {\n  ${body}\n});\n`;
const runner = put(
  'run.mjs',
  `import { run } from ${JSON.stringify(new URL('../../index.js', import.meta.url).href)};
const [module, input] = process.argv.slice(2);
await run(new URL(module, import.meta.url).href, input === undefined ? {} : { parameters: { input } });
`,
);

const info = (path: string): Promise<CommandResult> => runScript('client.js', ['info', path], { env });

for (const [what, name, text, message] of [
  [
    'exports no job',
    'no-job.ts',
    'export const job = 1;\n',
    /no-job\.ts: the module does not export a job \[JOB_MODULE_INVALID\] End it with/,
  ],
  ['has a syntax error', 'syntax.ts', define('env.fromData(1).print(;'), /syntax\.ts:3: Unexpected ";" \[JOB_MODULE_BUILD_FAILED\]/],
  ['throws while it is loaded', 'loading.ts', `throw new Error('boom');\n`, /threw while it was loaded .*boom \(at \S*loading\.ts:1:7\)/],
  ['throws while it builds', 'building.ts', define(`throw new Error('boom');`), /"bad" failed: boom .*thrown at \S*building\.ts:3:9/],
  [
    'imports a package that is not there',
    'package.ts',
    `import 'no-such-package';\n`,
    /package\.ts:1: Could not resolve .*npm install no-such-package/,
  ],
  [
    'imports what Millrace does not have',
    'name.ts',
    `import { nothing } from 'millrace';\nnothing();\n`,
    /does not provide an export named 'nothing'/,
  ],
] as const) {
  test(`a job module that ${what} is told with its place, without a stack`, async () => {
    const { exitCode, output, errors } = await info(put(name, text));
    assert.is(exitCode, 1);
    assert.is(output, '');
    assert.match(errors, message);
    assert.not.match(errors, /\n {4}at /);
  });
}

test('a job module that is not there is named, with the folder it was looked for in', async () => {
  const { exitCode, errors } = await info('nowhere/job.ts');
  assert.is(exitCode, 1);
  assert.match(errors, `there is no file nowhere/job.ts [JOB_MODULE_NOT_FOUND] Name the job module by its path from ${process.cwd()}`);
});

const reading = (source: string): string =>
  `import { defineJob, csvSource, malformedRows, ndjsonSource } from 'millrace';
export default defineJob('reader', (env) => {
  const rows = env.fromSource(${source});
  rows.map((row) => JSON.stringify(row)).print();
  rows.getSideOutput(malformedRows).map(({ line }) => \`line \${line} is malformed\`).print();
});
`;
const lines = put('lines.ts', reading(`ndjsonSource(env.parameters.string('input'))`));
const tolerant = put('tolerant.ts', reading(`ndjsonSource(env.parameters.string('input'), { malformed: 'side-output' })`));
const rows = put('rows.ts', reading(`csvSource(env.parameters.string('input'))`));
const other = put(
  'other.ts',
  `import { defineJob } from 'millrace';
import { isMainThread } from 'node:worker_threads';
export default defineJob('other', (env) => {
  const numbers = env.fromData(1, 2, 3);
  (isMainThread ? numbers : numbers.filter((n) => n > 1)).print();
});
`,
);
const badLines = put('bad.ndjson', '{"a":1}\n{"a":2}\n{"a":\n{"a":4}\n');
const badRows = put('bad.csv', 'a,b\n1,2\n3\n5,6\n');

for (const [what, job, input, message] of [
  [
    'a missing input file fails the job and is named',
    lines,
    '/nowhere/x.ndjson',
    /There is no file or directory \/nowhere\/x\.ndjson \[FILE_NOT_FOUND\]/,
  ],
  [
    'a malformed NDJSON line fails the job, with file and line',
    lines,
    badLines,
    /bad\.ndjson, line 3: .*\[SOURCE_MALFORMED\] Correct the row/,
  ],
  ['a malformed CSV row fails the job, with file and line', rows, badRows, /bad\.csv, line 3: 1 fields where 2 are expected/],
  ['a module that builds another graph in the worker fails its job', other, undefined, /built differently in a slot: .*\[JOB_MISMATCH\]/],
] as const) {
  test(`${what}; run() rejects with one message and leaves nothing behind`, async () => {
    const { exitCode, errors } = await runProgram(runner, [job, ...(input === undefined ? [] : [input])], { env });
    assert.is(exitCode, 1, errors);
    assert.match(errors, message);
    assert.not.match(errors, /\n {4}at /);
    assert.is(errors.split('MillraceError: ').length, 2, errors);
    assert.equal(
      readdirSync(temporary).filter((name) => !/^millrace-(\d+|user)$/.test(name)),
      [],
    );
  });
}

test('malformed lines go to the side output when the source is told so', async () => {
  const { exitCode, output, errors } = await runProgram(runner, [tolerant, badLines], { env });
  assert.is(exitCode, 0, errors);
  assert.equal(output.trim().split('\n').sort(), ['line 3 is malformed', '{"a":1}', '{"a":2}', '{"a":4}']);
});

for (const [what, words, message] of [
  ['an unknown key', ['-D', 'nats.server=x'], /no key "nats\.server" \(flag -D nats\.server\)\. Did you mean "nats\.servers"\?/],
  ['a bad value', ['-D', 'nats.reconnect.wait=soon'], /"nats\.reconnect\.wait" cannot be "soon" .*give it a duration such as "500 ms"/],
  [
    'keys that contradict each other',
    ['-D', 'heartbeat.timeout=1s', '-D', 'heartbeat.interval=9s'],
    /"heartbeat\.timeout" .* must be more than/,
  ],
  ['a file that is not there', ['-c', '/nowhere.yaml'], /configuration file \/nowhere\.yaml could not be read .*named by --config/],
  ['a file that is no YAML', ['-c', put('bad.yaml', 'a: [1\nb')], /bad\.yaml:2:1 cannot be read: Flow sequence/],
  ['an unknown flag', ['--jsn'], /unknown option '--jsn'/],
] as const) {
  test(`wrong settings are told, and nothing starts: ${what}`, async () => {
    const results = await Promise.all([
      runScript('client.js', ['list', ...words]),
      runScript('task-manager.js', words),
      runScript('cluster.js', words, { env }),
    ]);
    for (const { exitCode, errors, output } of results) {
      assert.ok(exitCode === 1 || exitCode === 2, String(exitCode));
      assert.match(errors, message);
      assert.is(output, '');
    }
  });
}

test.run();
