/** docs/troubleshooting.md speaks of codes and keys that exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { optionGroups } from '../../core/configuration/options.js';

const test = suite('the troubleshooting page');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs', 'troubleshooting.md'), 'utf8');

test('every code in brackets is one that some source file gives', () => {
  const codes = new Set([...page.matchAll(/\[([A-Z]+(?:_[A-Z]+)+)\]/g)].map(([, code]) => code as string));
  assert.ok(codes.size > 20);
  const folders = ['actors', 'api', 'bus', 'cluster', 'connectors', 'core', 'dataflow', 'graph', 'storage'];
  const sources = folders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(root, folder, path)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const unknown = [...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(sources));
  assert.equal(unknown, []);
});

test('every key of the configuration that it names exists', () => {
  const keys = new Set(optionGroups.flatMap((group) => group.options.flatMap(({ key, aliases }) => [key, ...aliases])));
  const named = [
    ...page.matchAll(/(?:`|-D )((?:nats|redis|high-availability|execution|restart-strategy|heartbeat|cluster|taskmanager|io)\.[\w.-]+)/g),
  ]
    .map(([, key]) => key as string)
    .filter((key) => !page.includes(`no key "${key}"`));
  assert.ok(named.length > 15);
  assert.equal(
    named.filter((key) => !keys.has(key)),
    [],
  );
});

test.run();
