import { MillraceError } from '../../../core/errors.js';

/** Refuses what is not a whole number from 1. */
export function checkAmount(amount: number, where: string, what: string): void {
  if (Number.isSafeInteger(amount) && amount >= 1) return;
  throw new MillraceError('WINDOW_AMOUNT_INVALID', `${where}: the ${what} cannot be ${String(amount)}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Use a whole number from 1.',
  });
}
