import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runTestFile, type FileResult } from '../../scripts/test-runner/file-process.js';
import { findTestFiles, type TestFile } from '../../scripts/test-runner/find-files.js';
import { formatFileResult, formatSlowest, formatSummary } from '../../scripts/test-runner/report.js';
import { runInTurns } from '../../scripts/test-runner/turns.js';
import { sharedNatsUrl, sharedRedisUrl, startOwnNats, startOwnRedis } from '../support/servers.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

const test = suite('test runner');

const boundedUvu = new URL('../../scripts/test-runner/bounded-uvu.js', import.meta.url).href;
const bounds = (testMs: number, fileMs: number): string =>
  `import { bounds } from '${boundedUvu}'; bounds.testMs = ${testMs}; bounds.fileMs = ${fileMs};`;

const fileOf = (name: string, weight: TestFile['weight'] = 'light'): TestFile => ({ path: name, name, needsServers: false, weight });

/** Runs `body` as a test file whose `uvu` is the runner's. */
async function runBody(body: string): Promise<FileResult> {
  const directory = temporaryDirectory('runner');
  const path = join(directory, 'subject.test.mjs');
  writeFileSync(path, `import { suite } from 'uvu';\nconst test = suite('subject');\n${body}`);
  return runTestFile({ path, name: 'subject', needsServers: false, weight: 'light' }, process.env);
}

test('passing and failing tests are counted one by one', async () => {
  const result = await runBody(
    `test('good', () => {}); test('bad', () => { throw new Error('no bananas') }); test.skip('later', () => {}); test.run();`,
  );
  assert.equal([result.passed, result.failed, result.skipped], [1, 1, 1]);
  assert.match(formatFileResult(result), /no bananas[^]*node dist\/scripts\/test\.js subject/);
});

test('what a passing file notes is shown, and nothing else of what it wrote', async () => {
  const result = await runBody(`test('good', () => { console.log('chatter'); console.log('note: seed 3 notices it'); }); test.run();`);
  const text = formatFileResult(result);
  assert.match(text, /^ +note: seed 3 notices it$/m);
  assert.not.match(text, /chatter/);
});

test('a file that registers no test fails (TR6)', async () => {
  const result = await runBody(`test.run();`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), /registered no test/);
});

test('a suite that is never run fails, one failure for each of its tests (TR3, TR6)', async () => {
  const result = await runBody(`test('a', () => {}); test('b', () => {});`);
  assert.equal([result.passed, result.failed], [0, 2]);
  assert.match(result.problems.join(), /test\.run\(\)/);
});

test('a test that takes longer than its bound fails and the next one runs (TR1)', async () => {
  const result = await runBody(`${bounds(50, 10_000)} test('stuck', () => new Promise(() => {})); test('next', () => {}); test.run();`);
  assert.equal([result.passed, result.failed], [1, 1]);
  assert.match(result.output, /"stuck"[^]*took longer than 50 ms/);
});

test('a file that blocks its thread is killed at its bound, and the test is named (TR4)', async () => {
  const result = await runBody(`${bounds(50, 400)} test('spins', () => { for (;;); }); test.run();`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), /longer than 400 ms, during subject › spins/);
});

test('a file that ends early fails though its exit code is 0, and the test is named (TR5)', async () => {
  const result = await runBody(`test('quits', () => process.exit(0)); test('never', () => {}); test.run();`);
  assert.is(result.failed, 1);
  assert.match(result.problems.join(), /ended early \(exit code 0\), during subject › quits/);
});

test('a file that cannot be loaded fails (TR5)', async () => {
  const result = await runBody(`import './is-not-there.mjs';`);
  assert.is(result.failed, 1);
  assert.match(result.output, /is-not-there/);
});

test('hooks that throw are failures: before, after, before.each and after.each (TR2)', async () => {
  for (const hook of ['before', 'after', 'before.each', 'after.each']) {
    const result = await runBody(`test.${hook}(() => { throw new Error('hook broke') }); test('fine', () => {}); test.run();`);
    assert.ok(result.failed > 0, hook);
    assert.match(result.problems.join(), /hook broke/, hook);
  }
});

test('what a test file started does not outlive it (TR4)', async () => {
  const result = await runBody(`
    import { spawn } from 'node:child_process';
    test('leaves a child', () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      child.unref();
      console.log('child=' + child.pid + ';');
    });
    test.run();`);
  assert.is(result.passed, 1);
  const pid = Number(/child=(\d+);/.exec(result.output)?.[1]);
  assert.ok(pid > 0);
  await eventually(2_000, () => !isAlive(pid), 'the child to be gone');
});

test('the last line of a run is the totals', () => {
  assert.is(formatSummary([]).split('\n').at(-1), '0 passed, 0 failed');
});

test('the slowest files are named, each with the test that took longest', async () => {
  const result = await runBody(
    `test('short', () => {}); test('long', () => new Promise((resolve) => setTimeout(resolve, 100))); test('last', () => {}); test.run();`,
  );
  assert.is(result.longest?.name, 'subject › long');
  assert.ok((result.longest?.elapsedMs ?? 0) >= 100);
  const took = (seconds: number): FileResult => ({ ...result, file: fileOf(`tests/${seconds}.test`), elapsedMs: 1_000 * seconds });
  const longest = { name: 'subject › long', elapsedMs: 1_500 };
  assert.is(
    formatSlowest([took(2), { ...took(13), longest }]),
    `\n 13.0 s  tests/13.test\n  of these   1.5 s  subject › long\n  2.0 s  tests/2.test${'\n'}  of these   0.1 s  subject › long`,
  );
  assert.is(
    formatSlowest(Array.from({ length: 20 }, (_, seconds) => ({ ...took(seconds), longest: undefined })))
      .trim()
      .split('\n').length,
    10,
  );
});

test('files run as many at a time as asked for, heavy ones first and one at a time, the others beside them (TU1, TU2)', async () => {
  const files = [
    ...['l1', 'l2', 'l3', 'l4'].map((name) => fileOf(name)),
    fileOf('h1', 'heavy'),
    fileOf('h2', 'heavy'),
    fileOf('a1', 'alone'),
  ];
  const running = new Set<TestFile>();
  const started: string[] = [];
  const run = async (file: TestFile): Promise<string> => {
    running.add(file);
    started.push(file.name);
    assert.ok(running.size <= 2);
    assert.ok([...running].filter(({ weight }) => weight === 'heavy').length <= 1, 'two heavy ones');
    if (file.weight === 'alone') assert.is(running.size, 1);
    for (let turn = file.weight === 'heavy' ? 3 : 1; turn > 0; turn -= 1) await Promise.resolve();
    running.delete(file);
    return file.name;
  };
  const results = await runInTurns({ files, atOnce: 2, run });
  assert.equal(started.slice(0, 2), ['h1', 'l1']);
  assert.is(results.at(-1), 'a1');
  assert.equal([...results].sort(), ['a1', 'h1', 'h2', 'l1', 'l2', 'l3', 'l4']);
  assert.equal(await runInTurns({ files: [], atOnce: 2, run }), []);
});

test('a file that starts clusters is heavy, one that keeps every core busy runs alone, by the folder it is in', () => {
  const root = temporaryDirectory('tree');
  for (const name of ['end-to-end/killed', 'simulator/campaign', 'core/ids']) {
    for (const [path, end] of [
      [join(root, 'tests'), 'ts'],
      [join(root, 'dist/tests'), 'js'],
    ] as const) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, `${name}.test.${end}`), '');
    }
  }
  assert.equal(
    findTestFiles(root, []).map(({ name, weight }) => [name, weight]),
    [
      ['tests/core/ids.test', 'light'],
      ['tests/end-to-end/killed.test', 'heavy'],
      ['tests/simulator/campaign.test', 'alone'],
    ],
  );
});

test('a compiled test without its source is a leftover and is not run; a test aid may be what needs servers', () => {
  const root = temporaryDirectory('tree');
  mkdirSync(join(root, 'tests/bus'), { recursive: true });
  mkdirSync(join(root, 'dist/tests/bus'), { recursive: true });
  const write = (name: string, text = ''): void => writeFileSync(join(root, name), text);
  write('tests/bus/nats.test.ts');
  write('dist/tests/bus/nats.test.js', `import './aid.js';`);
  write('dist/tests/bus/aid.js', 'process.env.MILLRACE_TEST_NATS_URL');
  write('dist/tests/bus/deleted.test.js');
  const found = findTestFiles(root, ['bus/nats.test.ts']);
  assert.equal(
    found.map(({ name, needsServers }) => [name, needsServers]),
    [['tests/bus/nats.test', true]],
  );
  assert.is(findTestFiles(root, []).length, 1);
  assert.is(findTestFiles(root, ['elsewhere']).length, 0);
});

test('the shared servers answer where the runner says they are', () => {
  assert.match(sharedNatsUrl(), /^nats:\/\/127\.0\.0\.1:\d+$/);
  assert.match(sharedRedisUrl(), /^redis:\/\/127\.0\.0\.1:\d+$/);
});

test('a server of a test keeps its port and its data when it is killed and started again', async () => {
  for (const start of [startOwnNats, startOwnRedis]) {
    const server = await start();
    const first = server.pid as number;
    await server.kill();
    assert.not(isAlive(first));
    await server.start();
    assert.ok(isAlive(server.pid as number));
    await server.stop();
    await server.dispose();
    assert.is(server.pid, undefined);
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.run();
