/**
 * `npm run verify`: everything about the repository that is not a test. A line per check; what a failed one printed
 * follows it. The exit code is 0 when all of them hold.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { deadExports, sourceFiles } from './verify/dead-exports.js';
import { generatedDocuments, staleness, type GeneratedDocument } from './verify/generated-docs.js';

endWithReader();

const root = fileURLToPath(new URL('../../', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

interface Outcome {
  readonly holds: boolean;
  readonly output: string;
}

const checks: readonly (readonly [name: string, check: () => Promise<Outcome>])[] = [
  ['format', () => run(bin('prettier'), ['--check', '--log-level', 'warn', '--cache', '.'])],
  ['lint', () => run(bin('oxlint'), ['--type-aware'])],
  ['types', () => run(bin('tsc'), ['-p', 'tsconfig.json'])],
  ['layers', () => run(process.execPath, [join(root, 'dist/scripts/layers.js')])],
  ['exports', () => Promise.resolve(checkExports())],
  ...generatedDocuments.map((document) => [document.path, () => checkDocument(document)] as const),
];

let failures = 0;
for (const [name, check] of checks) {
  const startedAt = performance.now();
  const outcome = await check();
  if (!outcome.holds) failures += 1;
  console.log(`${outcome.holds ? 'ok  ' : 'FAIL'} ${name}  ${Math.round(performance.now() - startedAt)} ms`);
  if (!outcome.holds) console.log(outcome.output.replaceAll(/^/gm, '     '));
}
console.log(failures === 0 ? `${checks.length} checks hold` : `${failures} of ${checks.length} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;

function checkExports(): Outcome {
  const dead = deadExports(sourceFiles(root));
  return { holds: dead.length === 0, output: dead.join('\n') };
}

async function checkDocument(document: GeneratedDocument): Promise<Outcome> {
  if (!existsSync(join(root, 'dist', document.script)))
    return { holds: false, output: `dist/${document.script} is not there. Run: npm run build` };
  try {
    const stale = await staleness(root, document, generate);
    return { holds: stale.length === 0, output: stale.join('\n') };
  } catch (error) {
    return { holds: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function generate(document: GeneratedDocument, out: string): Promise<void> {
  const { holds, output } = await run(process.execPath, [join(root, 'dist', document.script), '--out', out]);
  if (!holds) throw new Error(`${document.script} failed:\n${output}`);
}

function run(command: string, flags: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, flags, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const append = (chunk: Buffer): void => void (output += chunk.toString('utf8'));
    child.stdout.on('data', append);
    child.stderr.on('data', append);
    child.on('error', (error) => resolve({ holds: false, output: error.message }));
    child.on('close', (code) => resolve({ holds: code === 0, output: output.trim() }));
  });
}
