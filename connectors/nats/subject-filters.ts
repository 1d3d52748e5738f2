/** Filters of subjects, each of which is read on its own. */
import { isSubjectPattern } from '../../bus/subject-pattern.js';

/** The filters, checked: well formed, and no message matches two. Throws a TypeError, so that such a job does not build. */
export function checkedFilters(filters: readonly string[]): readonly string[] {
  for (const [index, filter] of filters.entries()) {
    if (!isSubjectPattern(filter)) throw new TypeError(`${JSON.stringify(filter)} is not a subject or a pattern of subjects`);
    const other = filters.slice(0, index).find((one) => overlap(one.split('.'), filter.split('.')));
    if (other !== undefined) {
      throw new TypeError(
        `The subjects ${JSON.stringify(other)} and ${JSON.stringify(filter)} overlap: a message of both would come twice`,
      );
    }
  }
  return filters;
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
