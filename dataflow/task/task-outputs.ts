/**
 * All outputs of a task: its edges, their channels, and what holds the task back.
 *
 * O1  Events go to every channel of every edge, after all records collected before them.
 * O2  Records wait at most the buffer timeout for company, unless credit is missing.
 */
import type { CorePorts, TimerHandle } from '../../core/ports.js';
import type { OperatorId } from '../../core/ids.js';
import type { ResultPartitionDescriptor } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';
import { OutputPressure, type ChannelOwner } from '../channels/channel-owner.js';
import type { ChannelNetwork } from '../channels/channel-network.js';
import type { LatencyMarker, StreamEvent } from '../channels/elements.js';
import type { RecordOutput } from '../channels/output-channel.js';
import type { Emit } from '../contracts.js';
import { createPartitioner } from '../partitioners/partitioner.js';
import type { TaskCode } from '../task-runtime.js';
import type { OutputUse } from './channel-use.js';
import { HeldMarkers } from './held-markers.js';

export interface TaskOutputsOptions {
  readonly partitions: readonly ResultPartitionDescriptor[];
  readonly code: Pick<TaskCode, 'keySelectors' | 'customPartitions'>;
  readonly network: ChannelNetwork;
  readonly owner: ChannelOwner;
  readonly ports: CorePorts;
  readonly isObjectReuse: boolean;
  /** -1: only full frames leave; 0: at the end of each slice. */
  readonly bufferTimeoutMs: number;
  readonly operatorName: (operator: OperatorId) => string;
}

/** Where the records of one operator's output (or side output) go. */
export interface OutputEdge {
  readonly sourceOperator: OperatorId;
  readonly sideOutput: string | null;
  readonly emit: Emit<unknown>;
}

type ChannelEnd = Pick<OutputUse, 'edgeId' | 'peerSubtask'>;

/** The outputs of one task; see the head of this file. */
export class TaskOutputs {
  readonly pressure: OutputPressure;
  readonly channelCount: number;
  readonly #options: TaskOutputsOptions;
  readonly #markers = new HeldMarkers();
  #channels: RecordOutput[] = [];
  #ends: ChannelEnd[] = [];
  #channelsOfEdges: (readonly RecordOutput[])[] = [];
  #edges: OutputEdge[] = [];
  #flushTimer: TimerHandle | undefined;
  #recordsOut = 0;
  #bytesOut = 0;
  #overGrantFrames = 0;

  constructor(options: TaskOutputsOptions) {
    this.#options = options;
    this.channelCount = options.partitions.reduce((sum, { channels: { length } }) => sum + length, 0);
    this.pressure = new OutputPressure(2 * this.channelCount + limits.waitingFramesPerTask);
  }

  /** Opens every channel; nothing is sent until the consumers grant. */
  open(): readonly OutputEdge[] {
    const { partitions, network, owner, ports, isObjectReuse, code } = this.#options;
    this.#edges = partitions.map((partition) => {
      const ends = [...partition.channels].sort((left, right) => left.peerSubtask - right.peerSubtask);
      const operatorName = this.#options.operatorName(partition.sourceOperator);
      const { fields } = partition;
      const pressure = this.pressure;
      const channels = ends.map(({ channelId, peer }) =>
        network.openOutput({ channelId, peer, owner, pressure, isObjectReuse, operatorName, fields }),
      );
      this.#channels.push(...channels);
      this.#ends.push(...ends.map(({ peerSubtask }) => ({ edgeId: partition.edgeId, peerSubtask })));
      this.#channelsOfEdges.push(channels);
      const emit = createPartitioner({
        kind: partition.partitioner,
        channels,
        random: ports.random,
        keySelector: code.keySelectors.get(partition.edgeId),
        customPartition: code.customPartitions?.get(partition.edgeId),
        maxParallelism: partition.consumerMaxParallelism,
        operatorName,
      });
      return { sourceOperator: partition.sourceOperator, sideOutput: partition.sideOutput, emit };
    });
    return this.#edges;
  }

  /** A latency marker leaves by one channel of each edge, behind the records before it. */
  forward(marker: LatencyMarker): void {
    for (const channels of this.#channelsOfEdges) {
      const channel = channels[Math.floor(this.#options.ports.random.next() * channels.length)];
      if (channel !== undefined) this.#markers.hold(channel, marker);
    }
  }

  /** To every channel, or to those of the outputs of some operators (O1). */
  broadcast(event: StreamEvent, of?: ReadonlySet<OperatorId>): void {
    this.#markers.sendAll();
    this.#channelsOfEdges.forEach((channels, edge) => {
      if (of !== undefined && !of.has((this.#edges[edge] as OutputEdge).sourceOperator)) return;
      for (const channel of channels) channel.sendEvent(event);
    });
  }

  /** Between slices: what was collected leaves after the buffer timeout (O2). */
  onSliceEnd(): void {
    const { bufferTimeoutMs, ports } = this.#options;
    this.#markers.release(bufferTimeoutMs < 0);
    if (bufferTimeoutMs < 0 || this.#flushTimer !== undefined || (!this.#hasOpenBatch() && this.#markers.isEmpty)) return;
    if (bufferTimeoutMs === 0) this.flush();
    else
      this.#flushTimer = ports.clock.setTimer(bufferTimeoutMs, () => {
        this.#flushTimer = undefined;
        this.flush();
        // What had no credit tries again.
        if (this.#hasOpenBatch()) this.#options.owner.wake();
      });
  }

  flush(): void {
    for (const channel of this.#channels) channel.flush();
    this.#markers.release(true);
  }

  /** Every consumer has everything. */
  isAcknowledged(): boolean {
    return this.#channels.every((channel) => channel.isAcknowledged());
  }

  get recordsOut(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.recordsOut, this.#recordsOut);
  }

  /** Frames that wait for credit. */
  get waitingFrames(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.waitingFrames, 0);
  }

  /** The most data frames that a channel sent beyond what was granted: none, ever. */
  get overGrantFrames(): number {
    return this.#channels.reduce((most, channel) => Math.max(most, channel.overGrantFrames), this.#overGrantFrames);
  }

  /** Of every channel that is open. */
  channelUses(): readonly OutputUse[] {
    return this.#channels.map(({ waitingFrames }, index) => ({ ...(this.#ends[index] as ChannelEnd), waiting: waitingFrames }));
  }

  get bytesOut(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.bytesOut, this.#bytesOut);
  }

  close(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#recordsOut = this.recordsOut;
    this.#bytesOut = this.bytesOut;
    this.#markers.clear();
    this.#overGrantFrames = this.overGrantFrames;
    for (const channel of this.#channels) this.#options.network.closeOutput(channel.channelId);
    this.#channels = [];
    this.#ends = [];
    this.#channelsOfEdges = [];
  }

  #hasOpenBatch(): boolean {
    for (const channel of this.#channels) if (channel.hasOpenBatch()) return true;
    return false;
  }
}
