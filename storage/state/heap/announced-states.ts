/**
 * How the names of states begin that an operator makes of those that its function gave (`window/total` of `total`), so that
 * messages can show what the function wrote.
 */
export class AnnouncedStates {
  readonly #prefixes = new Set<string>();

  get prefixes(): readonly string[] {
    return [...this.#prefixes];
  }

  add(prefix: string): void {
    this.#prefixes.add(prefix);
  }

  /** A name as its author wrote it, in quotes. */
  shown(name: string): string {
    const prefix = typeof name === 'string' ? this.prefixes.find((one) => name.startsWith(one)) : undefined;
    return JSON.stringify(prefix === undefined ? name : name.slice(prefix.length));
  }
}
