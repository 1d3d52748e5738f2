/** Subjects and the patterns that match them (B3): tokens joined by `.`, `*` for one token, a last `>` for one or more. */

/** Whether a message may be published to `subject`. */
export function isSubject(subject: string): boolean {
  return isWellFormed(subject) && !subject.split('.').some((token) => token === '*' || token === '>');
}

/** Whether `pattern` may be subscribed to. */
export function isSubjectPattern(pattern: string): boolean {
  if (!isWellFormed(pattern)) return false;
  const tokens = pattern.split('.');
  return tokens.every((token, index) => token !== '>' || index === tokens.length - 1);
}

/** Whether the pattern holds a wildcard. */
export function isWild(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('>');
}

/** A function that says whether a subject matches. */
export function compilePattern(pattern: string): (subject: string) => boolean {
  if (!isWild(pattern)) return (subject) => subject === pattern;
  const expected = pattern.split('.');
  const isOpen = expected.at(-1) === '>';
  const fixed = isOpen ? expected.slice(0, -1) : expected;
  return (subject) => {
    const tokens = subject.split('.');
    if (isOpen ? tokens.length <= fixed.length : tokens.length !== fixed.length) return false;
    return fixed.every((token, index) => token === '*' || token === tokens[index]);
  };
}

function isWellFormed(text: string): boolean {
  return text.length > 0 && text.length <= 512 && /^[^.\s]+(\.[^.\s]+)*$/.test(text);
}
