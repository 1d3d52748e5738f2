/** Ids of stream entries, `<ms>-<number>`, which grow. */

/** Below 0: `left` comes before `right`. */
export function compareIds(left: string, right: string): number {
  const [leftMs = '0', leftNumber = '0'] = left.split('-');
  const [rightMs = '0', rightNumber = '0'] = right.split('-');
  return compareNumbers(leftMs, rightMs) || compareNumbers(leftNumber, rightNumber);
}

/** Both are unsigned 64-bit numbers in decimal, without leading zeros: longer is greater. */
function compareNumbers(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** The time in ms that an id begins with: when the entry was added, unless whoever added it chose the id. */
export const timeOfId = (id: string): number => Number(id.slice(0, id.indexOf('-')));

/** Whether this is the id of an entry. */
export const isEntryId = (text: string): boolean => /^\d{1,20}-\d{1,20}$/.test(text);
