/**
 * The slots of a task harness: each a simulated process with channels and a loop of its own, on a bus that may lose.
 *
 * HS1  A slot is made when the first task is placed in it; `renew` leaves none of the former attempt's in use.
 */
import type { Clock } from '../core/ports.js';
import { ChannelNetwork } from '../dataflow/channels/channel-network.js';
import type { SlotLocation } from '../dataflow/channels/elements.js';
import { SlotLoop } from '../dataflow/slot-loop.js';
import type { LossyBusRoom } from './lossy-bus.js';
import type { SimulatedProcess, Simulation } from './simulator/simulation.js';

export interface HarnessSlotsOptions {
  readonly world: Simulation;
  readonly bus: LossyBusRoom;
  readonly creditFrames: number | undefined;
  readonly isSequenceCheckOff: boolean;
  /** Instead of the world's own time. */
  readonly clock: Clock | undefined;
}

export interface HarnessSlot {
  readonly process: SimulatedProcess;
  readonly clock: Clock;
  readonly network: ChannelNetwork;
  readonly loop: SlotLoop;
}

export class HarnessSlots {
  readonly #options: HarnessSlotsOptions;
  #slots = new Map<string, HarnessSlot>();
  #attempt = -1;

  constructor(options: HarnessSlotsOptions) {
    this.#options = options;
  }

  /** Slots asked for from now on are new ones. */
  renew(attempt: number): void {
    this.#attempt = attempt;
    this.#slots = new Map();
  }

  /** Ends every slot as `kill -9` would. */
  kill(): void {
    for (const { process } of this.#slots.values()) process.kill();
  }

  networks(): readonly ChannelNetwork[] {
    return [...this.#slots.values()].map(({ network }) => network);
  }

  at(location: SlotLocation): HarnessSlot {
    const name = `${location.taskManagerId}-${location.slot}`;
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const { world, bus, creditFrames, isSequenceCheckOff } = this.#options;
    const process = world.process(`${name}#${this.#attempt}`);
    const { clock = process.clock } = this.#options;
    const network = new ChannelNetwork({
      location,
      bus: bus.connect(process),
      dataSubject: ({ taskManagerId: id, slot }) => `data.${id}.${slot}`,
      clock,
      logger: process.logger,
      ...(creditFrames === undefined ? {} : { buffers: { exclusive: creditFrames, floating: 0 }, waitingFramesMax: 1 }),
      isSequenceCheckOff,
    });
    const slot = { process, clock, network, loop: new SlotLoop({ yield: process.yield, logger: process.logger }) };
    this.#slots.set(name, slot);
    return slot;
  }
}
