import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { staleness, type GeneratedDocument } from '../../scripts/verify/generated-docs.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const test = suite('generated documents');

const folder: GeneratedDocument = { path: 'docs/machines', script: 'draw.js', command: 'npm run draw' };
const file: GeneratedDocument = { path: 'docs/protocol.md', script: 'list.js', command: 'npm run list' };

const root = temporaryDirectory('docs');
mkdirSync(join(root, 'docs/machines'), { recursive: true });
writeFileSync(join(root, 'docs/machines/a.md'), 'a');
writeFileSync(join(root, 'docs/machines/gone.md'), 'x');
writeFileSync(join(root, 'docs/protocol.md'), 'messages');

const writeFolder =
  (files: Readonly<Record<string, string>>) =>
  (_document: GeneratedDocument, out: string): Promise<void> => {
    mkdirSync(out);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text);
    return Promise.resolve();
  };

test('what a generator writes again byte by byte is fresh', async () => {
  assert.equal(await staleness(root, folder, writeFolder({ 'a.md': 'a', 'gone.md': 'x' })), []);
  assert.equal(await staleness(root, file, (_document, out) => Promise.resolve(writeFileSync(out, 'messages'))), []);
});

test('changed, missing and superfluous files are stale, with the command that refreshes them', async () => {
  assert.equal(await staleness(root, folder, writeFolder({ 'a.md': 'A', 'new.md': 'n' })), [
    'docs/machines/a.md is stale. Run: npm run draw',
    'docs/machines/gone.md is stale. Run: npm run draw',
    'docs/machines/new.md is missing. Run: npm run draw',
  ]);
});

test('a generator that writes nothing is a failure', async () => {
  assert.equal(await staleness(root, folder, () => Promise.resolve()), ['draw.js wrote nothing']);
});

test.run();
