/**
 * What must be one and the same for all subtasks of an operator (a sink's target directory): the first token seen counts,
 * a subtask that sees another one is refused.
 */
import { MillraceError } from '../../core/errors.js';
import type { TaskManagerId } from '../../core/ids.js';

interface SeenResource {
  readonly token: string;
  /** Who saw it first; undefined: it stands in the checkpoint the job started from. */
  readonly taskManagerId: TaskManagerId | undefined;
}

export class SharedResources {
  readonly #seen = new Map<string, SeenResource>();

  /** Takes over what a checkpoint remembers; what was seen since stays. */
  restore(tokens: Readonly<Record<string, string>>): void {
    for (const [name, token] of Object.entries(tokens))
      if (!this.#seen.has(name)) this.#seen.set(name, { token, taskManagerId: undefined });
  }

  /** Compares what a task declared; answers the error that must fail the job when a token differs. */
  declare(declared: Readonly<Record<string, string>>, taskManagerId: TaskManagerId): MillraceError | undefined {
    for (const [name, token] of Object.entries(declared)) {
      const seen = this.#seen.get(name);
      if (seen === undefined) this.#seen.set(name, { token, taskManagerId });
      else if (seen.token !== token) return mismatch(name, seen, taskManagerId);
    }
    return undefined;
  }

  /** `operator name/resource → token`. */
  tokens(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#seen].map(([name, { token }]) => [name, token]));
  }
}

function mismatch(name: string, seen: SeenResource, taskManagerId: TaskManagerId): MillraceError {
  const slash = name.indexOf('/');
  const [operator, resource] = slash < 0 ? [name, 'resource'] : [name.slice(0, slash), name.slice(slash + 1)];
  const first = seen.taskManagerId === undefined ? 'the run that took the checkpoint' : `TaskManager ${seen.taskManagerId}`;
  return new MillraceError('SHARED_RESOURCE_DIFFERS', `TaskManager ${taskManagerId} sees another ${resource} than ${first}`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operator,
    hint: 'All TaskManagers must reach the very same one: put it on storage that they share, mounted at the same path.',
  });
}
