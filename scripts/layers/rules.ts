/**
 * Which folder may import what. A row lists path prefixes below the repository (`graph`, `bus/contracts`); `types` may
 * be imported with `import type` only; `packages` are npm packages. `everything` lifts the row.
 */
export interface LayerRule {
  readonly values?: readonly string[];
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  readonly everything?: 'with dependencies' | 'with development dependencies';
}

/** Every source folder has a row: a folder without one fails the check. */
export const layerRules: Readonly<Record<string, LayerRule>> = {
  core: { packages: ['yaml'] },
  graph: { values: ['core'] },
  bus: { values: ['core', 'vendor/typebox.cjs'], types: ['graph', 'storage/contracts'], packages: ['cbor-x', 'typebox', 'nats'] },
  'state-machines': { values: ['core', 'graph'], types: ['bus/protocol'], packages: ['xstate'] },
  storage: { values: ['core', 'bus/codec'], packages: ['ioredis'] },
  dataflow: {
    values: ['core', 'graph', 'bus/contracts', 'bus/endpoint-contract', 'bus/codec', 'storage/state'],
    types: ['bus/protocol', 'storage'],
    packages: ['cbor-x'],
  },
  connectors: {
    values: [
      'core',
      'dataflow/contracts',
      'dataflow/functions',
      'bus/subject-pattern',
      'bus/transports/nats/connect',
      'bus/transports/nats/nats-codes',
      'bus/transports/nats/server-address',
      'storage/redis/redis-address',
      'storage/redis/redis-script',
    ],
    types: ['storage/state/contracts'],
    packages: ['csv-parse', 'hyparquet', 'hyparquet-compressors', 'ioredis', 'nats'],
  },
  api: { values: ['core', 'graph', 'dataflow', 'connectors'], types: ['storage/state/contracts'] },
  actors: { values: ['core', 'graph', 'bus', 'state-machines', 'storage', 'dataflow', 'connectors'], packages: ['xstate'] },
  cluster: { everything: 'with dependencies' },
  testing: { everything: 'with dependencies' },
  'index.ts': { everything: 'with dependencies' },
  scripts: { everything: 'with development dependencies' },
  bench: { everything: 'with development dependencies' },
  tests: { everything: 'with development dependencies' },
  /** Examples stand where a user stands: the public name of the package, and libraries. */
  examples: { packages: ['millrace', '*'] },
};

/** What a folder may import, as a sentence. */
export function describeRule(folder: string, rule: LayerRule): string {
  if (rule.everything !== undefined) return `${folder} may import everything, ${rule.everything}`;
  const parts = [
    ...(rule.values ?? []),
    ...(rule.types ?? []).map((prefix) => `types of ${prefix}`),
    ...(rule.packages ?? []).map((name) => (name === '*' ? 'any npm package' : `npm ${name}`)),
  ];
  return `${folder} may import ${parts.length === 0 ? 'nothing' : parts.join(', ')}`;
}
