/**
 * Where the data of the examples lies: in the npm package vega-datasets, a development dependency of this repository.
 *
 * A bundled job keeps the place it was bundled at, so slots on the same machine find the same files. Elsewhere, give the
 * path as a parameter: every example has one for its input.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Absolute path of a file of the package's `data` folder. */
export function vegaData(name: string): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return join(dirname(entry), '..', 'data', name);
}
