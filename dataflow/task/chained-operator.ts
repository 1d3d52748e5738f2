/** What a chain is made of. */
import { MillraceError } from '../../core/errors.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import type { Operator, OperatorContext, OperatorFactory } from '../contracts.js';
import type { TaskCode } from '../task-runtime.js';

/** One operator of the chain. The head of a source task has no `operator`: the source driver is it. */
export interface ChainedOperator {
  readonly descriptor: OperatorDescriptor;
  readonly context: OperatorContext;
  readonly keyed: KeyedStateBackend | undefined;
  readonly operator: Operator | undefined;
}

/** What the job's code makes the operator with. */
export function factoryOf({ operators }: Pick<TaskCode, 'operators'>, { id, name }: OperatorDescriptor): OperatorFactory {
  const factory = operators.get(id);
  if (factory !== undefined) return factory;
  throw new MillraceError('OPERATOR_MISSING', `The job code built here has no operator "${name}".`, {
    domain: 'user',
    recovery: 'fail-job',
    where: name,
    hint: 'A job builder must build the same graph every time: let it depend on its parameters only.',
  });
}
