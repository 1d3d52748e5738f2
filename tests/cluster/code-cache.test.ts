import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CodeCache } from '../../cluster/job-code/code-cache.js';
import { MillraceError } from '../../core/errors.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const test = suite('code cache');
const code = Buffer.from("import { MillraceError } from 'millrace';\nexport const seen = MillraceError;\n");
const sha256 = createHash('sha256').update(code).digest('hex');

test('cached code that imports millrace gets the instance that runs it, whoever else uses the directory (JC1)', async () => {
  const directory = temporaryDirectory('code-cache');
  // What another installation would have left: cached code beside a link to that installation.
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync('/nowhere/another/millrace', join(directory, 'node_modules', 'millrace'));
  const cache = new CodeCache(directory);
  const { seen } = (await import(await cache.put(sha256, code))) as { readonly seen: unknown };
  assert.is(seen, MillraceError);
});

test('code that was altered on the disk is not found', async () => {
  const cache = new CodeCache(temporaryDirectory('code-cache'));
  const url = await cache.put(sha256, code);
  assert.is(await cache.find(sha256), url);
  appendFileSync(fileURLToPath(url), '// more');
  assert.is(await cache.find(sha256), undefined);
});

test('a cache links to the package it belongs to', async () => {
  const cache = new CodeCache(temporaryDirectory('code-cache'));
  const folder = dirname(fileURLToPath(await cache.put(sha256, code)));
  assert.equal(readdirSync(join(folder, 'node_modules')), ['millrace']);
  assert.is(readlinkSync(join(folder, 'node_modules', 'millrace')), fileURLToPath(new URL('../../../', import.meta.url)));
});

test.run();
