/** What the page for people who know Flink calls ours is there, by that name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exportedDeclarations } from '../../scripts/api-reference/declarations.js';
import { repositoryRoot } from '../support/repository-root.js';

const test = suite('coming from Flink');

test('every name of ours on the page is an export or a member of one', () => {
  const page = readFileSync(join(repositoryRoot, 'docs', 'coming-from-flink.md'), 'utf8');
  const rows = [...page.matchAll(/^\|[^|\n]*\|([^|\n]*)\|/gm)].map(([, ours = '']) => ours);
  const names = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name as string));
  assert.ok(names.length > 50, `${names.length} names found`);
  const declared = new Set<string>();
  for (const { name, code } of exportedDeclarations(join(repositoryRoot, 'dist'), 'index')) {
    declared.add(name);
    for (const [, member] of code.matchAll(/^ {2}(?:static |readonly )?(\w+)\??[<(:]/gm)) declared.add(member as string);
  }
  assert.equal(
    names.filter((name) => !declared.has(name)),
    [],
  );
});

test.run();
