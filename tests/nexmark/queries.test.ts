/**
 * Every query on an embedded cluster against the naive computation: the small example, and disordered input with late
 * events while TaskManagers are killed. All of it, at every parallelism and over more inputs: `npm run nexmark -- --verify`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeInput, writeFiles, type VerifyInput } from '../../scripts/nexmark/inputs.js';
import { queryNames } from '../../scripts/nexmark/queries.js';
import { verify } from '../../scripts/nexmark/verify.js';
import { embeddedCluster } from '../../scripts/nexmark/verify-clusters.js';
import { boundTests } from '../support/bounds.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import type { QueryName } from './naive/answers.js';
import { smallExample } from './small-example.js';

boundTests({ testMs: 60_000, fileMs: 300_000 });
const test = suite('nexmark queries');

const cluster = embeddedCluster();
test.after(() => cluster.stop());

const directory = temporaryDirectory('nexmark');
const path = join(directory, 'small.ndjson');
writeFileSync(path, smallExample.splits.flatMap((split) => split.map((event) => `${JSON.stringify(event)}\n`)).join(''));
const small: VerifyInput = { ...smallExample, name: 'the small example', parameters: { input: path } };
const disordered = writeFiles(
  makeInput({ origin: 'files', order: 'disordered', events: 2_500, rate: 50, seed: 7, directory: join(directory, 'input') }),
);

async function verified(query: QueryName, input: VerifyInput, kills: number): Promise<void> {
  const { problem } = await verify(cluster, {
    query,
    parallelism: 2,
    input,
    kills,
    seed: 1,
    directory: join(directory, query),
    boundMs: 50_000,
    readingSeconds: kills === 0 ? 0.05 : 1,
  });
  assert.is(problem, undefined, problem);
}

for (const query of queryNames) {
  test(`${query} answers the small example`, () => verified(query, small, 0));
}

for (const query of ['q3', 'q9', 'q16'] as const) {
  test(`${query} is right over disordered files with late events, though a TaskManager is killed twice`, () =>
    verified(query, disordered, 2));
}

test.run();
