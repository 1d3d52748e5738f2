/** Filters of subjects, each of which is read on its own. */
import { isSubjectPattern } from '../../bus/subject-pattern.js';
import { shown, type ConnectorOptions } from '../connector-options.js';
import type { MillraceError } from '../../core/errors.js';

/** The filters, checked: well formed, and no message matches two; others are refused (CO1). */
export function checkedFilters(given: ConnectorOptions, filters: readonly string[]): readonly string[] {
  for (const [index, filter] of filters.entries()) {
    if (!isSubjectPattern(filter)) throw noPattern(given, filter);
    const other = filters.slice(0, index).find((one) => overlap(one.split('.'), filter.split('.')));
    if (other !== undefined) {
      throw given.invalid(
        `The subjects ${JSON.stringify(other)} and ${JSON.stringify(filter)} overlap: a message of both would come twice.`,
        'Leave the narrower one out.',
      );
    }
  }
  return filters;
}

/** What was given is no subject, nor a pattern. */
export function noPattern(given: ConnectorOptions, subject: string): MillraceError {
  return given.invalid(
    `${shown(subject)} is not a subject or a pattern of subjects.`,
    "Give words between dots, such as 'orders.eu', 'orders.*' or 'orders.>'.",
  );
}

/** What was given is no subject that a message can have. */
export function noSubject(given: ConnectorOptions, subject: string): MillraceError {
  return given.invalid(
    `${shown(subject)} is not a subject that messages can be published to.`,
    "Give words between dots, without wildcards, such as 'orders.eu'.",
  );
}

/** Names of streams of JetStream; others are refused (CO1). */
export function checkStreamName(given: ConnectorOptions, name: string): void {
  if (/^[^\s.*>/\\]+$/.test(name)) return;
  throw given.invalid(`${shown(name)} is not the name of a stream.`, 'Give a word without dots, spaces, slashes and wildcards.');
}

/** Whether some subject matches both. */
function overlap(left: readonly string[], right: readonly string[]): boolean {
  for (let at = 0; ; at++) {
    const [one, two] = [left[at], right[at]];
    if (one === undefined || two === undefined) return one === two;
    if (one === '>' || two === '>') return true;
    if (one !== two && one !== '*' && two !== '*') return false;
  }
}
