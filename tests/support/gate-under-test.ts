/**
 * A task's input with several senders over a bus that loses, repeats and delays, watched from outside: what is on the bus
 * is read by this file, not asked of the channels.
 *
 * GU1  A data frame is counted when it is given to the bus, a grant when its receiver gives it to the bus.
 */
import type { Bus } from '../../bus/contracts.js';
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { ChannelId, CheckpointId, EdgeId, TaskManagerId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import { OutputPressure } from '../../dataflow/channels/channel-owner.js';
import type { SlotLocation } from '../../dataflow/channels/elements.js';
import { frameKinds } from '../../dataflow/channels/frame-codec.js';
import type { NetworkBuffers } from '../../dataflow/channels/network-contracts.js';
import type { RecordOutput } from '../../dataflow/channels/output-channel.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { BarrierAligner } from '../../dataflow/task/barrier-aligner.js';
import { TaskInput } from '../../dataflow/task/task-input.js';
import { LossyBusRoom } from '../../testing/lossy-bus.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { Simulation, type SimulatedProcess } from '../../testing/simulator/simulation.js';

export interface GateOptions {
  readonly seed: number;
  readonly senders: number;
  readonly buffers: NetworkBuffers & { readonly exclusive: number; readonly floating: number };
  readonly faults: { drop: number; duplicate: number };
  readonly payloadBytesMax?: number;
  /** Sends without credit: to see that it is noticed. */
  readonly isCreditIgnored?: boolean;
}

/** What the bus carried of one channel. */
interface Seen {
  dataFrames: number;
  grantedUpTo: number;
}

const codec = createColumnarCodec();
const dataSubject = ({ taskManagerId, slot }: SlotLocation): string => `data.${taskManagerId}.${slot}`;
const consumerAt = { taskManagerId: 'consumer' as TaskManagerId, slot: 0 };

export class GateUnderTest {
  readonly world: Simulation;
  readonly random: SeededRandom;
  readonly input: TaskInput;
  readonly receiving: ChannelNetwork;
  readonly senders: readonly RecordOutput[];
  readonly pressures: readonly OutputPressure[];
  readonly received: readonly string[][];
  readonly seen = new Map<ChannelId, Seen>();
  aligned = 0;
  failure: unknown;
  /** The first thing that the watch on the bus found wrong. */
  fault: string | undefined;
  readonly #aligner: BarrierAligner;
  readonly #options: GateOptions;
  #isHolding = false;

  constructor(options: GateOptions) {
    this.#options = options;
    const { seed, senders, faults, payloadBytesMax } = options;
    this.world = new Simulation({ seed });
    this.random = this.world.random.fork();
    const room = new LossyBusRoom({
      world: this.world,
      random: this.random.fork(),
      delayMs: 20,
      faults,
      ...(payloadBytesMax === undefined ? {} : { payloadBytesMax }),
    });
    const consumer = this.world.process('consumer');
    this.receiving = this.#network(consumer, room, consumerAt);
    const ids = Array.from({ length: senders }, (_, index) => `edge~producer_${index}_1_0~consumer_0_1_0` as ChannelId);
    const producerAt = (index: number): SlotLocation & { taskManagerId: TaskManagerId } => ({
      taskManagerId: `producer-${index}` as TaskManagerId,
      slot: 0,
    });
    const gate: InputGateDescriptor = {
      edgeId: 'edge' as EdgeId,
      inputIndex: 0,
      partitioner: 'HASH',
      channels: ids.map((channelId, index) => ({ channelId, peerSubtask: index, peer: producerAt(index) })),
    };
    const fail = (error: unknown): void => {
      this.failure ??= error;
    };
    this.#aligner = new BarrierAligner({
      channels: senders,
      now: () => this.world.nowMs,
      isAlignmentOff: false,
      listener: {
        onAligned: () => void (this.aligned += 1),
        onAbandoned: () => undefined,
        onUnblocked: (channels) => this.input.unblock(channels),
      },
    });
    this.input = new TaskInput({
      gates: [gate],
      network: this.receiving,
      wake: () => undefined,
      fail,
      isBlocked: (channel) => this.#aligner.isBlocked(channel),
    });
    this.received = ids.map(() => []);
    this.pressures = ids.map(() => new OutputPressure());
    this.senders = ids.map((channelId, index) => {
      const at = producerAt(index);
      const network = this.#network(this.world.process(at.taskManagerId), room, at);
      return network.openOutput({
        channelId,
        peer: consumerAt,
        owner: { wake: () => undefined, fail },
        pressure: this.pressures[index] as OutputPressure,
        isObjectReuse: false,
        operatorName: 'words',
      });
    });
    this.input.open();
  }

  /** Reads the next batch or event, if there is one that is not blocked; a batch stays held until the next call. */
  read(): void {
    if (this.#isHolding) this.input.finishBatch();
    this.#isHolding = false;
    const step = this.input.next();
    if (step.kind === 'none') return;
    if (step.kind === 'batch') {
      this.#isHolding = true;
      for (const value of step.batch.values) {
        const [sender] = String(value).split(':');
        this.received[Number(sender)]?.push(String(value));
      }
      return;
    }
    const { channel, event } = step;
    if (event.kind === 'barrier') this.#aligner.onBarrier(channel, event);
    else if (event.kind === 'end-of-partition') this.#aligner.onEndOfPartition(channel);
    this.received[channel]?.push(event.kind === 'barrier' ? `barrier ${event.checkpointId}` : event.kind);
  }

  barrier(sender: number, id: number): void {
    this.senders[sender]?.sendEvent({ kind: 'barrier', checkpointId: id as CheckpointId, triggeredAt: 0, isFinal: false });
  }

  /** The bytes that the input may have under way or held, whatever happens. */
  get budgetBytes(): number {
    const { exclusive, floating } = this.#options.buffers;
    return (exclusive * this.#options.senders + floating) * limits.segmentBytes;
  }

  #network(process: SimulatedProcess, room: LossyBusRoom, location: SlotLocation): ChannelNetwork {
    return new ChannelNetwork({
      location,
      bus: this.#watched(room.connect(process)),
      dataSubject,
      clock: process.clock,
      logger: process.logger,
      codec,
      buffers: this.#options.buffers,
      isCreditIgnored: this.#options.isCreditIgnored === true,
    });
  }

  /** GU1. */
  #watched(bus: Bus): Bus {
    return {
      ...bus,
      publish: (subject, payload) => {
        this.#note(payload);
        bus.publish(subject, payload);
      },
    };
  }

  #note(payload: Uint8Array): void {
    const header = codec.readHeader(payload);
    if (header === undefined) return;
    const seen = this.seen.get(header.channelId) ?? { dataFrames: 0, grantedUpTo: 0 };
    this.seen.set(header.channelId, seen);
    const control = codec.decodeControl(payload, header);
    if (control?.kind === 'grant') {
      if (control.grantedUpTo < seen.grantedUpTo) this.fault ??= `a grant of ${control.grantedUpTo} after one of ${seen.grantedUpTo}`;
      seen.grantedUpTo = Math.max(seen.grantedUpTo, control.grantedUpTo);
    } else if (header.kind === frameKinds.data || header.kind === frameKinds.fragment) {
      seen.dataFrames += 1;
      if (seen.dataFrames > seen.grantedUpTo) this.fault ??= `data frame ${seen.dataFrames} with ${seen.grantedUpTo} granted`;
      if (payload.length > limits.segmentBytes) this.fault ??= `a frame of ${payload.length} bytes`;
    }
  }
}
