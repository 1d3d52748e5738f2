import { suite } from 'uvu';
import type { Contract } from '../../testing/contracts/contract.js';

/** Runs every case of a contract as a test, each with a fixture of its own. */
export function runContract<Fixture>(
  name: string,
  contract: Contract<Fixture>,
  make: () => Promise<{ readonly fixture: Fixture; dispose?(): Promise<void> }>,
): void {
  const test = suite(name);
  for (const each of contract) {
    test(each.name, async () => {
      const { fixture, dispose } = await make();
      try {
        await each.run(fixture);
      } finally {
        await dispose?.();
      }
    });
  }
  test.run();
}
