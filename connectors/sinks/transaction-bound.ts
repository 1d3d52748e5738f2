/** How much may come between two checkpoints in a sink that keeps it until the second one completed. */
import { MillraceError } from '../../core/errors.js';

export interface TransactionSize {
  readonly count: number;
  readonly bytes: number;
}

/** The transaction is above its bound; `what` it holds, in the plural. */
export function transactionTooLarge(where: string, what: string, { count, bytes }: TransactionSize, bytesMax: number): MillraceError {
  const message = `${count} ${what} with ${bytes} bytes came between two checkpoints in one subtask; ${bytesMax} are allowed`;
  return new MillraceError('SINK_TRANSACTION_TOO_LARGE', message, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Take checkpoints more often, raise the parallelism of the sink, or raise transactionBytesMax.',
  });
}
