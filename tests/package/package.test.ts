import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importsOf } from '../../scripts/layers/imports.js';
import { boundTests } from '../support/bounds.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 120_000, fileMs: 400_000 });
const test = suite('npm package');

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

/** A project of a user: the tarball unpacked where npm would put it, its dependencies (not ours for development) beside it. */
const project = temporaryDirectory('consumer');
const installed = join(project, 'node_modules/millrace');

test.before(async () => {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project], { cwd: root });
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(project, stdout.trim().split('\n').at(-1) as string), '-C', installed, '--strip-components=1']);
  for (const name of [...Object.keys(manifest().dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module', private: true }));
});

test('it holds what users need and nothing of our workshop', () => {
  const files = filesBelow(installed);
  for (const needed of ['package.json', 'LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts'])
    assert.ok(files.includes(needed), needed);
  const unwanted = files.filter((file) =>
    /^dist\/(tests|bench|examples)\/|^dist\/scripts\/(test|layers|verify|visualise)|\.tsbuildinfo$|^[^d].*\.ts$/.test(file),
  );
  assert.equal(unwanted, []);
});

test('every path of exports and bin is there', () => {
  const { exports, bin } = manifest();
  const paths = [
    ...Object.values(bin),
    ...Object.values(exports).flatMap((each) => (typeof each === 'string' ? [each] : [each.types, each.default])),
  ];
  assert.equal(
    paths.filter((path) => !existsSync(join(installed, path))),
    [],
  );
});

test('its files import only built-in modules and its dependencies', async () => {
  const allowed = new Set(['millrace', ...Object.keys(manifest().dependencies)]);
  const strangers: string[] = [];
  for (const file of filesBelow(installed).filter((name) => name.endsWith('.js'))) {
    for (const { specifier } of await importsOf(file, readFileSync(join(installed, file), 'utf8'))) {
      if (specifier.startsWith('.') || isBuiltin(specifier)) continue;
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (!allowed.has(name)) strangers.push(`${file}: ${specifier}`);
    }
  }
  assert.equal(strangers, []);
});

test('a strict consumer gets types for every entry point, and the code blocks of the README compile', async () => {
  const entries = Object.keys(manifest().exports).filter((entry) => !entry.endsWith('.json'));
  const imports = entries.map((entry, index) => `import * as entry${index} from '${join('millrace', entry)}';\nvoid entry${index};`);
  writeFileSync(
    join(project, 'entries.ts'),
    `${imports.join('\n')}\nimport { defineJob } from 'millrace';\nexport default defineJob('empty', () => {});\n`,
  );
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm)].map((match) => match[1] as string);
  assert.ok(blocks.length > 0, 'the README shows a job');
  blocks.forEach((block, index) => writeFileSync(join(project, `readme-${index}.ts`), block));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: 'ES2022',
    module: 'NodeNext',
    types: ['node'],
    noEmit: true,
    skipLibCheck: true,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', project]).catch((error: { stdout: string }) => error);
  assert.is(stdout, '');
});

test('the job of the README runs in the project of a consumer, and its sums are right', async () => {
  const dayMs = 86_400_000;
  const flights = Array.from({ length: 1_000 }, (_, index) => ({
    origin: `airport ${index % 7}`,
    // Every third one is some hours out of order.
    left: 30 * dayMs + index * 600_000 - (index % 3 === 0 ? 7_200_000 : 0),
    delay: index,
  }));
  const input = join(project, 'flights.ndjson');
  const output = join(project, 'days');
  writeFileSync(input, flights.map((flight) => `${JSON.stringify(flight)}\n`).join(''));
  const module = pathToFileURL(join(project, 'readme-0.ts')).href;
  const script = `
    const { run } = await import('millrace');
    const end = await run(${JSON.stringify(module)}, { parameters: ${JSON.stringify({ input, output })} });
    console.log(end.status);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project });
  assert.is(stdout.trim(), 'FINISHED', 'nothing was late');
  const dayOf = ({ origin, left }: { origin: string; left: number }): string => `${origin} ${Math.floor(left / dayMs)}`;
  const sums = filesBelow(output)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(output, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as (typeof flights)[number])
    .map((day) => [dayOf(day), day.delay] as const);
  const expected = new Map<string, number>();
  for (const flight of flights) expected.set(dayOf(flight), (expected.get(dayOf(flight)) ?? 0) + flight.delay);
  assert.ok(expected.size > 40);
  assert.equal([...sums].sort(), [...expected].sort());
});

test('a consumer without our development dependencies can load every entry point', async () => {
  const entries = Object.keys(manifest().exports).filter((entry) => !entry.endsWith('.json'));
  const script = entries.map((entry) => `await import(${JSON.stringify(join('millrace', entry))});`).join('');
  await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project });
});

test('the command answers, in the package and in this checkout', async () => {
  const { stdout } = await run(process.execPath, [join(installed, manifest().bin['millrace'] as string), '--help'], { cwd: project });
  assert.match(stdout, /Usage: millrace/);
  const here = await run(process.execPath, [join(root, 'dist/cluster/cli/main.js'), '--help'], { cwd: root });
  assert.is(here.stdout, stdout);
});

test('the package finds itself by its own name', async () => {
  const name: string = 'millrace';
  const itself = (await import(name)) as { readonly defineJob?: unknown };
  assert.type(itself.defineJob, 'function');
});

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

test.run();
