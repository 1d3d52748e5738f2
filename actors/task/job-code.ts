/**
 * The job of a slot, rebuilt from its code: the module is loaded once a slot, the builder runs once a task, and what it
 * built is compared with what was submitted (`dataflow/task-code.ts`).
 */
import { MillraceError } from '../../core/errors.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { taskCodeOf } from '../../dataflow/task-code.js';
import type { TaskCode } from '../../dataflow/task-runtime.js';

export interface JobCodeOptions {
  /** Makes the code loadable here: fetches a bundle and gives the URL of its module. */
  readonly resolveCode: (code: JobCode) => Promise<string>;
  /** Loads what the module at this URL exports. */
  readonly loadJob: (url: string) => Promise<JobDefinition>;
}

export class SlotJobCode {
  readonly #options: JobCodeOptions;
  readonly #definitions = new Map<string, Promise<JobDefinition>>();

  constructor(options: JobCodeOptions) {
    this.#options = options;
  }

  /** The functions of the descriptor's vertex. Rejects with the error to fail the task with. */
  async codeFor({ code, jobGraph, vertexId }: TaskDeploymentDescriptor): Promise<TaskCode> {
    const definition = await this.#definitionOf(code);
    try {
      return taskCodeOf(definition, jobGraph, vertexId);
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

  #definitionOf(code: JobCode): Promise<JobDefinition> {
    const key = code.kind === 'bundle' ? code.sha256 : code.url;
    const known = this.#definitions.get(key);
    if (known !== undefined) return known;
    const definition = this.#options.resolveCode(code).then((url) => this.#options.loadJob(url));
    this.#definitions.set(key, definition);
    // A download that failed may succeed for the next attempt.
    definition.catch(() => this.#definitions.delete(key));
    return definition;
  }
}
