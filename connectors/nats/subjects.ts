/** Subjects of NATS. */

/** A subject without wildcards: names joined by `.`, without white space. */
export const isSubject = (subject: unknown): subject is string => typeof subject === 'string' && /^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject);

/** The subjects that one with wildcards (`orders.*.>`) stands for. */
export function subjectPattern(subject: string): RegExp {
  const names = subject.split('.').map((name) => {
    if (name === '*') return '[^.]+';
    return name === '>' ? '.+' : name.replaceAll(/[$()+?[\\\]^{|}]/g, '\\$&');
  });
  return new RegExp(`^${names.join('\\.')}$`);
}
