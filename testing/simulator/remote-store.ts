/**
 * A store on another machine, as a simulated process sees it: every call takes time on the way there and on the way
 * back, may fail, and may take effect although its answer never arrives.
 */
import { MillraceError } from '../../core/errors.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedProcess, Simulation } from './simulation.js';

export interface StoreFaults {
  /** Chance that a call fails before it takes effect. */
  readonly refused: number;
  /** Chance that a call takes effect and its answer is lost: the caller sees a failure. */
  readonly answerLost: number;
  /** From then on every call is answered. */
  readonly isOver: () => boolean;
}

export interface RemoteStoreOptions {
  readonly name: string;
  readonly world: Simulation;
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  /** Longest time one way. */
  readonly delayMs: number;
  readonly faults: StoreFaults;
}

const unavailable = (name: string, call: string): MillraceError =>
  new MillraceError('STORE_UNAVAILABLE', `${name} did not answer ${call}`, { domain: 'external', recovery: 'retry' });

/** Wraps every method of `store` that returns a promise; `close` and plain properties are passed on as they are. */
export function remoteStore<T extends object>(store: T, options: RemoteStoreOptions): T {
  const { name, world, process, random, delayMs, faults } = options;
  const call = (method: string, perform: () => Promise<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const label = `${name}.${method}`;
      // What was sent arrives, also when its sender has died since.
      world.schedule(random.next() * delayMs, `${process.name} ${label} arrives`, () => {
        if (!faults.isOver() && random.chance(faults.refused)) {
          process.later(random.next() * delayMs, `${label} refused`, () => reject(unavailable(name, method)));
          return;
        }
        const isLost = !faults.isOver() && random.chance(faults.answerLost);
        const backMs = random.next() * delayMs;
        perform().then(
          (value) => process.later(backMs, `${label} answered`, () => (isLost ? reject(unavailable(name, method)) : resolve(value))),
          (error: unknown) => process.later(backMs, `${label} failed`, () => reject(error as Error)),
        );
      });
    });
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || property === 'close' || typeof property === 'symbol') return value;
      return (...args: unknown[]) => call(property, () => value.apply(target, args) as Promise<unknown>);
    },
  });
}
