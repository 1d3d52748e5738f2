/** The queries by name, and what each says of itself. */
import { readFileSync } from 'node:fs';
import { naiveAnswers, type QueryName } from '../../tests/nexmark/naive/answers.js';
import { queryNames as written } from './query-jobs.js';

const sources = new URL('../../../examples/nexmark/', import.meta.url);

/** First sentences of the heads of the files. */
export function titleOf(name: QueryName): string {
  const head = readFileSync(new URL(`${name}.ts`, sources), 'utf8').split('\n')[1] ?? '';
  return head.replace(/^ \* q\d+, /, '').replace(/[.:].*$/, '');
}

/** From q0 on. */
export const queryNames: readonly QueryName[] = written.filter((name): name is QueryName => name in naiveAnswers);

export const moduleOf = (name: QueryName): string => new URL(`../../examples/nexmark/${name}.js`, import.meta.url).href;

export const isQueryName = (name: string): name is QueryName => (queryNames as readonly string[]).includes(name);
