import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layerRules } from '../../scripts/layers/rules.js';

const test = suite('documents');

const root = fileURLToPath(new URL('../../../', import.meta.url));
const topLevel = readdirSync(root).filter((name) => !name.startsWith('.') && name !== 'node_modules' && name !== 'dist');

const pages = topLevel.flatMap((name) => {
  if (name.endsWith('.md')) return [name];
  if (!statSync(join(root, name)).isDirectory()) return [];
  return readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
    .filter((below) => below.endsWith('.md'))
    .map((below) => join(name, below));
});

test('every link and picture between documents leads somewhere', () => {
  assert.ok(pages.length > 10, 'pages were found');
  const broken = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => (match[1] as string).replace(/#.*$/, ''));
    return targets
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`);
  });
  assert.equal(broken, []);
});

test('every source folder says what it owns and what it may import', () => {
  const folders = Object.keys(layerRules).filter((name) => topLevel.includes(name) && !name.includes('.'));
  assert.ok(folders.length > 10, 'folders were found');
  for (const folder of folders) assert.ok(existsSync(join(root, folder, 'README.md')), `${folder}/README.md`);
});

test.run();
