import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkLayers, type LayerReport } from '../../scripts/layers/check-layers.js';
import { importsOf } from '../../scripts/layers/imports.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const test = suite('layers');

const manifest = {
  name: 'millrace',
  dependencies: { xstate: '5', yaml: '2', 'cbor-x': '1', typebox: '1' },
  devDependencies: { uvu: '0', '@dagrejs/dagre': '3' },
};

/** Checks a repository of these files. */
async function check(files: Readonly<Record<string, string>>): Promise<LayerReport> {
  const root = temporaryDirectory('layers');
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkLayers(root);
}

test('an import against the direction is named with file, line and what the folder may import (L1)', async () => {
  const report = await check({ 'core/ids.ts': `// first line\nimport { plan } from '../graph/plan.js';\n` });
  assert.equal(report.violations, ['core/ids.ts:2: import of graph/plan: core may import npm yaml (L1)']);
});

test('every form of import counts: type-only, re-export, dynamic, import type, require, side effect (L1)', async () => {
  const forms = [
    `import type { A } from '../actors/a.js';`,
    `export { a } from '../actors/a.js';`,
    `export * from '../actors/a.js';`,
    `export type { A } from '../actors/a.js';`,
    `export const a = () => import('../actors/a.js');`,
    `export type A = import('../actors/a.js').A;`,
    `import a = require('../actors/a.js');`,
    `export const a = require('../actors/a.js');`,
    `import '../actors/a.js';`,
  ];
  for (const form of forms) assert.is((await check({ 'graph/plan.ts': form })).violations.length, 1, form);
});

test('text that only looks like an import does not count', async () => {
  const text = `// import '../actors/a.js'\nexport const a = "import '../actors/a.js'";\nexport const b = /from '..\\/actors'/;\n`;
  assert.equal((await check({ 'graph/plan.ts': text })).violations, []);
});

test('where only types are allowed, a value import is refused and a type import passes (L1)', async () => {
  const report = await check({
    'bus/a.ts': `import { plan } from '../graph/plan.js';`,
    'bus/b.ts': `import type { Plan } from '../graph/plan.js';`,
    'bus/c.ts': `import { type Plan } from '../graph/plan.js';`,
  });
  assert.is(report.violations.length, 1);
  assert.match(report.violations[0] as string, /^bus\/a\.ts:1: graph\/plan may be imported here with "import type" only/);
});

test('a file prefix allows that file, not its neighbours (L1)', async () => {
  const report = await check({
    'connectors/good.ts': `import { a } from '../dataflow/contracts.js';`,
    'connectors/bad.ts': `import { a } from '../dataflow/contracts-extra.js';`,
  });
  assert.equal(
    report.violations.map((each) => each.split(':')[0]),
    ['connectors/bad.ts'],
  );
});

test('examples see the public package only (L1)', async () => {
  const report = await check({
    'examples/01.ts': `import { defineJob } from 'millrace'; import { b } from './data.js'; import 'node:fs';`,
    'examples/02.ts': `import { defineJob } from '../api/index.js';`,
  });
  assert.equal(
    report.violations.map((each) => each.split(':')[0]),
    ['examples/02.ts'],
  );
});

test('published folders cannot import development dependencies, and nobody an undeclared package (L3)', async () => {
  const report = await check({
    'cluster/a.ts': `import dagre from '@dagrejs/dagre';`,
    'scripts/a.ts': `import dagre from '@dagrejs/dagre';`,
    'tests/a.ts': `import left from 'left-pad';`,
    'graph/a.ts': `import { setup } from 'xstate';`,
  });
  assert.equal(
    report.violations.map((each) => each.split(':')[0]),
    ['cluster/a.ts', 'graph/a.ts', 'tests/a.ts'],
  );
});

test('a check that saw no file, and a folder without a rule, are failures (L1, L2)', async () => {
  assert.match((await check({})).violations.join(), /no TypeScript file/);
  assert.match((await check({ 'utils/a.ts': '' })).violations.join(), /utils has no rule/);
});

test('an import of types without the word type on the declaration or its names loads the module', async () => {
  const found = await importsOf('a.ts', `import { A } from './a.js';\nimport { type B } from './b.js';\nimport type C from './c.js';`);
  assert.equal(
    found.map(({ isTypeOnly }) => isTypeOnly),
    [false, true, true],
  );
});

test('published modules do not await at their top level, functions in them may (L4)', async () => {
  const report = await check({
    'core/a.ts': `export const a = await Promise.resolve(1);`,
    'core/b.ts': `for await (const each of []) void each;`,
    'core/c.ts': `export class C { async m() { await 1; } }\nexport const f = async () => { for await (const each of []) void each; };`,
    'scripts/d.ts': `await Promise.resolve(1);`,
  });
  assert.equal(
    report.violations.map((each) => each.split(':')[0]),
    ['core/a.ts', 'core/b.ts'],
  );
});

test.run();
