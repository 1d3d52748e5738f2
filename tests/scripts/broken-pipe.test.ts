/** A program whose reader has gone ends like any other: at once and without a word. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { brokenPipeExitCode } from '../../cluster/adapters/broken-pipe.js';
import { boundTests } from '../support/bounds.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 60_000 });
const test = suite('broken pipe');
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs a program, reads its first piece of output and goes away. */
function readAndLeave(
  script: string,
  args: readonly string[],
  env = process.env,
): Promise<{ readonly code: number | null; readonly errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdout.once('data', () => child.stdout.destroy());
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, errors }));
  });
}

test('a script ends as if SIGPIPE had ended it, and says nothing', async () => {
  assert.equal(await readAndLeave('dist/scripts/simulate.js', ['--runs', '200', '--trace']), { code: brokenPipeExitCode, errors: '' });
});

test('an embedded job ends so too, and its directory is removed', async () => {
  const temporary = temporaryDirectory('broken-pipe');
  const { code } = await readAndLeave('dist/scripts/example.js', ['1'], { ...process.env, TMPDIR: temporary });
  assert.is(code, brokenPipeExitCode);
  assert.equal(
    readdirSync(temporary).filter((name) => name.startsWith('millrace-')),
    [],
  );
});

test('every program that writes to its standard output minds its reader', () => {
  const scripts = readdirSync(new URL('scripts/', `file://${root}`))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `scripts/${name}`);
  const heedless = [...scripts, 'cluster/cli/main.ts', 'bench/main.ts'].filter((path) => {
    const source = readFileSync(`${root}${path}`, 'utf8');
    return /process\.stdout|console\.log/.test(source) && !/^endWithReader\(\);$/m.test(source);
  });
  assert.equal(heedless, []);
});

test.run();
