/** A room for actor tests: endpoints on one in-process bus under virtual time. */
import { createEndpoint } from '../../bus/endpoint.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import type { InProcessBus } from '../../bus/transports/in-process/connection.js';
import { Simulation, type SimulatedProcess } from '../../testing/simulator/simulation.js';

export interface Participant {
  readonly process: SimulatedProcess;
  readonly bus: InProcessBus;
  readonly endpoint: Endpoint;
}

export class BusRoom {
  readonly world = new Simulation({ seed: 1 });
  readonly #hub: InProcessHub;

  constructor() {
    const { clock, logger } = this.world.process('hub');
    this.#hub = new InProcessHub({ clock, logger, defer: (deliver) => void this.world.schedule(0, 'deliver', deliver) });
  }

  join(name: string): Participant {
    const process = this.world.process(name);
    const bus = this.#hub.connect(name);
    const { clock, random, logger } = process;
    return { process, bus, endpoint: createEndpoint({ name, bus, subjects: createSubjects(), clock, random, logger }) };
  }

  /** Runs the world until the promise settled; fails after a minute of virtual time. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let outcome: { value: T } | { error: unknown } | undefined;
    promise.then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    await this.world.runUntil(() => outcome !== undefined, this.world.nowMs + 60_000);
    const done = outcome as unknown as { value: T } | { error: unknown };
    if ('error' in done) throw done.error;
    return done.value;
  }

  /** Runs the world until something holds. */
  until(isDone: () => boolean): Promise<void> {
    return this.world.runUntil(isDone, this.world.nowMs + 60_000);
  }

  /** Lets this much virtual time pass. */
  async pass(ms: number): Promise<void> {
    let isOver = false;
    this.world.schedule(ms, 'time has passed', () => (isOver = true));
    await this.world.runUntil(() => isOver, this.world.nowMs + ms + 1);
  }
}
