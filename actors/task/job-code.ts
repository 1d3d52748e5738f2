/**
 * The job of a slot, rebuilt from its code: load the module, run the builder, plan, compare with what was submitted.
 *
 * JC1  It is done once a slot: every task of the job gets the same functions, as in a program that was never split.
 * JC2  A job that was built differently is refused, naming the first operator that differs.
 */
import { MillraceError } from '../../core/errors.js';
import type { EdgeId, OperatorId, VertexId } from '../../core/ids.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import type { JobDefinition, KeySelector, OperatorFactory } from '../../dataflow/contracts.js';
import type { TaskCode } from '../../dataflow/task-runtime.js';
import { assertSameJob } from '../../graph/fingerprint.js';
import { planJob, type JobPlan } from '../../graph/job-plan.js';
import type { JobGraph, JobVertex } from '../../graph/types.js';

export interface JobCodeOptions {
  /** Makes the code loadable here: fetches a bundle and gives the URL of its module. */
  readonly resolveCode: (code: JobCode) => Promise<string>;
  /** Loads what the module at this URL exports. */
  readonly loadJob: (url: string) => Promise<JobDefinition>;
}

type Plan = JobPlan<OperatorFactory, KeySelector>;

export class SlotJobCode {
  readonly #options: JobCodeOptions;
  readonly #plans = new Map<string, Promise<Plan>>();

  constructor(options: JobCodeOptions) {
    this.#options = options;
  }

  /** The functions of the descriptor's vertex. Rejects with the error to fail the task with. */
  async codeFor(descriptor: TaskDeploymentDescriptor): Promise<TaskCode> {
    const plan = await this.#planOf(descriptor);
    const vertex = vertexOf(descriptor.jobGraph, descriptor.vertexId);
    const operators = new Map<OperatorId, OperatorFactory>();
    for (const { id, name } of vertex.operators) {
      const node = plan.nodes.get(id);
      if (node === undefined) throw new MillraceError('OPERATOR_MISSING', `the job's code has no operator ${id}`, { where: name });
      operators.set(id, node.factory);
    }
    return { operators, keySelectors: keySelectorsOf(plan, descriptor.vertexId) };
  }

  #planOf(descriptor: TaskDeploymentDescriptor): Promise<Plan> {
    const { code, jobGraph } = descriptor;
    const key = `${code.kind === 'bundle' ? code.sha256 : code.url} ${jobGraph.fingerprint}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const plan = this.#build(code, jobGraph);
    this.#plans.set(key, plan);
    // A download that failed may succeed for the next attempt.
    plan.catch(() => this.#plans.delete(key));
    return plan;
  }

  async #build(code: JobCode, jobGraph: JobGraph): Promise<Plan> {
    const definition = await this.#options.loadJob(await this.#options.resolveCode(code));
    const plan = planJob(build(definition, jobGraph));
    assertSameJob(jobGraph, plan.jobGraph);
    return plan;
  }
}

function build(definition: JobDefinition, jobGraph: JobGraph): ReturnType<JobDefinition['build']> {
  try {
    return definition.build(jobGraph.parameters, { planning: jobGraph.planning });
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError('JOB_BUILD_FAILED', `the builder of job "${jobGraph.name}" threw in a slot`, {
      domain: 'user',
      recovery: 'fail-job',
      where: jobGraph.name,
      hint: 'It did not throw when the job was submitted: a builder must depend on its parameters only.',
      cause,
    });
  }
}

/** HASH edges into and out of the vertex. */
function keySelectorsOf(plan: Plan, vertex: VertexId): ReadonlyMap<EdgeId, KeySelector> {
  const selectors = new Map<EdgeId, KeySelector>();
  for (const { id, sourceVertex, targetVertex } of plan.jobGraph.edges) {
    const selector = plan.edges.get(id)?.keySelector;
    if (selector !== undefined && (sourceVertex === vertex || targetVertex === vertex)) selectors.set(id, selector);
  }
  return selectors;
}

/** The vertex a descriptor names. */
export function vertexOf(jobGraph: JobGraph, id: VertexId): JobVertex {
  const vertex = jobGraph.vertices.find((candidate) => candidate.id === id);
  if (vertex === undefined) throw new MillraceError('VERTEX_MISSING', `the job graph has no vertex ${id}`, { where: jobGraph.name });
  return vertex;
}
