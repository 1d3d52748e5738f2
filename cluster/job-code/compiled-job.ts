/** A job module on this machine, made ready to be submitted: bundled, loaded, built and planned. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { repeated } from '../../api/parameters.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { MillraceError } from '../../core/errors.js';
import type { JobDefinition, OperatorFactory } from '../../dataflow/contracts.js';
import { planJob, type JobPlan } from '../../graph/job-plan.js';
import type { JobGraph } from '../../graph/types.js';
import { bundleJob } from './bundler.js';
import type { CodeCache } from './code-cache.js';
import { importJob } from './job-module.js';

export interface CompiledJob {
  readonly jobGraph: JobGraph;
  /** The same, with the functions. */
  readonly plan: JobPlan<OperatorFactory>;
  readonly bundle: Uint8Array;
}

export interface CompileOptions {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly configuration: Configuration;
  readonly cache: CodeCache;
}

/** Throws errors of domain `user` that name the module: missing, not a job, throwing while it builds, not plannable. */
export async function compileJob({ path, parameters, configuration, cache }: CompileOptions): Promise<CompiledJob> {
  if (!existsSync(path)) {
    throw new MillraceError('JOB_MODULE_NOT_FOUND', `there is no file ${path}`, {
      domain: 'user',
      recovery: 'fail-job',
      hint: `Name the job module by its path from ${process.cwd()}, or by its full path.`,
    });
  }
  // What a builder throws is told with the line of the module, not with that of its bundle.
  process.setSourceMapsEnabled(true);
  const bundle = await bundleJob(path);
  const url = await cache.put(createHash('sha256').update(bundle).digest('hex'), bundle);
  const plan = planOf(await importJob(url, path), { where: path, parameters, configuration });
  return { bundle, plan, jobGraph: plan.jobGraph };
}

export interface BuildOptions {
  /** Names the module, for people. */
  readonly where: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly configuration: Configuration;
}

/** The plan of the job, without its functions. Throws `JOB_BUILD_FAILED` when the builder throws. */
export function buildJob(job: JobDefinition, options: BuildOptions): JobGraph {
  return planOf(job, options).jobGraph;
}

/** Runs the builder and plans its graph. */
function planOf(job: JobDefinition, { where, parameters, configuration }: BuildOptions): JobPlan<OperatorFactory> {
  let graph: ReturnType<JobDefinition['build']>;
  try {
    graph = job.build(parameters, { configuration });
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError('JOB_BUILD_FAILED', `the builder of job ${JSON.stringify(job.name)} threw`, {
      domain: 'user',
      recovery: 'fail-job',
      where,
      cause,
    });
  }
  return planJob(graph);
}

/**
 * `--input x --n=3 --flag` as parameters: `{ input: 'x', n: '3', flag: 'true' }`. A lone ` -- ` in front of or between them is
 * no parameter. One that is given several times keeps all its values, for `Parameters.paths`.
 */
export function parseParameters(words: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  const put = (name: string, value: string): void => {
    const known = Object.hasOwn(parameters, name) ? [parameters[name] as string] : [];
    parameters[name] = repeated([...known, value]);
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') continue;
    const match = /^--([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      throw new MillraceError('BAD_PARAMETER', `${JSON.stringify(word)} is not a job parameter: write --name value`, {
        domain: 'user',
        recovery: 'fail-job',
      });
    }
    const [, name, value] = match as unknown as [string, string, string | undefined];
    const next = words[at + 1];
    if (value !== undefined) put(name, value);
    else if (next === undefined || next.startsWith('--')) put(name, 'true');
    else {
      put(name, next);
      at++;
    }
  }
  return parameters;
}
