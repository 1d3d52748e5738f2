/** The snapshots of all scopes of a backend, cut together, serialised one after the other. */
import type { KeyedStateHandle } from '../../contracts.js';
import type { StateSnapshot } from '../contracts.js';

export class ScopesSnapshot implements StateSnapshot {
  private readonly parts: readonly StateSnapshot[];
  private readonly remaining: StateSnapshot[];

  constructor(parts: readonly StateSnapshot[]) {
    this.parts = parts;
    this.remaining = [...parts];
  }

  advance(entriesMax: number): boolean {
    const [current] = this.remaining;
    if (current !== undefined && !current.advance(entriesMax)) this.remaining.shift();
    return this.remaining.length > 0;
  }

  async finish(): Promise<readonly KeyedStateHandle[]> {
    const handles = await Promise.all(this.parts.map((part) => part.finish()));
    return handles.flat();
  }

  discard(): void {
    for (const part of this.parts) part.discard();
    this.remaining.length = 0;
  }
}
