/**
 * One message of each family, the same for ever: the golden fixtures in tests/fixtures/protocol hold their bytes. When a
 * declaration changes so that a sample no longer fits, old and new processes of one cluster do not understand each other.
 */
import type { AskType, MessageBody, MessageReply, MessageType } from '../../bus/protocol/registry.js';
import type {
  AllocationId,
  AttemptId,
  ChannelId,
  CheckpointId,
  EdgeId,
  JobId,
  LeaderEpoch,
  OperatorId,
  SessionId,
  TaskManagerId,
  VertexId,
} from '../../core/ids.js';
import type { JobGraph } from '../../graph/types.js';

export interface Sample<T extends MessageType = MessageType> {
  readonly family: string;
  readonly type: T;
  readonly to: string;
  readonly body: MessageBody<T>;
  readonly reply: T extends AskType ? MessageReply<T> : null;
}

const sample = <T extends MessageType>(family: string, type: T, parts: Pick<Sample<T>, 'to' | 'body' | 'reply'>): Sample<T> => ({
  family,
  type,
  ...parts,
});

const jobId = '0123456789abcdef0123456789abcdef' as JobId;
const taskManagerId = 'tm-1' as TaskManagerId;
const sessionId = 'session-7' as SessionId;
const allocationId = 'allocation-3' as AllocationId;
const sourceId = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const sinkId = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';
const producer = `${sourceId}_0_2_0` as AttemptId;
const consumer = `${sinkId}_1_2_0` as AttemptId;
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const jobGraph: JobGraph = {
  formatVersion: 1,
  name: 'delays per airport',
  vertices: [
    {
      id: sourceId as VertexId,
      name: 'Source: flights -> map',
      parallelism: 1,
      maxParallelism: 128,
      slotSharingGroup: 'default',
      operators: [
        { id: sourceId as OperatorId, kind: 'source', type: 'source', name: 'Source: flights', uid: null, isKeyed: false },
        { id: 'cccccccccccccccccccccccccccccccc' as OperatorId, kind: 'operator', type: 'map', name: 'map', uid: 'parse', isKeyed: false },
      ],
      chainedEdges: [{ source: sourceId as OperatorId, target: 'cccccccccccccccccccccccccccccccc' as OperatorId, sideOutput: null }],
    },
    {
      id: sinkId as VertexId,
      name: 'sum',
      parallelism: 2,
      maxParallelism: 128,
      slotSharingGroup: 'default',
      operators: [{ id: sinkId as OperatorId, kind: 'sink', type: 'print', name: 'sum', uid: null, isKeyed: true }],
      chainedEdges: [],
    },
  ],
  edges: [
    {
      id: 'edge-0' as EdgeId,
      sourceVertex: sourceId as VertexId,
      targetVertex: sinkId as VertexId,
      sourceOperator: 'cccccccccccccccccccccccccccccccc' as OperatorId,
      partitioner: 'HASH',
      inputIndex: 0,
      sideOutput: null,
    },
  ],
  settings: {
    checkpointing: {
      intervalMs: 1_000,
      timeoutMs: 600_000,
      minPauseMs: 0,
      maxConcurrent: 1,
      tolerableFailures: 0,
      retained: 1,
      retention: 'RETAIN_ON_CANCELLATION',
    },
    restartStrategy: { kind: 'fixed-delay', attempts: 3, delayMs: 100.5 },
    failover: 'region',
    bufferTimeoutMs: 100,
    objectReuse: false,
    slotRequestTimeoutMs: 300_000,
    cancellationTimeoutMs: 180_000,
  },
  parameters: { input: '/data/flights.parquet', Größe: '10 %' },
  planning: { parallelism: 2, maxParallelism: null, isChainingEnabled: true },
  fingerprint: sha256,
  operatorFingerprints: [],
};

const error = {
  code: 'USER_FUNCTION_FAILED',
  domain: 'user',
  recovery: 'restart-job',
  message: 'map threw: delay is not a number',
  where: 'map',
  cause: { code: 'UNCAUGHT', domain: 'user', recovery: 'restart-job', message: 'TypeError: delay is not a number' },
} as const;

export const samples: readonly Sample[] = [
  sample('cluster', 'task-manager.register', {
    to: 'resource-manager',
    body: {
      taskManagerId,
      sessionId,
      host: 'worker-a',
      pid: 4_711,
      startedAt: 1_767_225_600_000,
      slots: [
        { slot: 0, state: 'ACTIVE', allocationId, jobId },
        { slot: 1, state: 'FREE', allocationId: null, jobId: null },
      ],
    },
    reply: { kind: 'registered', heartbeatIntervalMs: 500, heartbeatTimeoutMs: 5_000 },
  }),
  sample('slots', 'slot.offer', {
    to: `job.${jobId}`,
    body: { jobId, taskManagerId, sessionId, host: 'worker-a', offerId: 1, slots: [{ slot: 0, allocationId }] },
    reply: { accepted: [allocationId] },
  }),
  sample('tasks', 'task.deploy', {
    to: 'task-manager.tm-1',
    body: {
      jobId,
      leaderEpoch: 2 as LeaderEpoch,
      allocationId,
      attemptId: consumer,
      attemptNumber: 0,
      vertexId: sinkId as VertexId,
      subtaskIndex: 1,
      jobGraph,
      code: { kind: 'bundle', sha256, bytes: 131_072 },
      inputs: [
        {
          edgeId: 'edge-0' as EdgeId,
          inputIndex: 0,
          partitioner: 'HASH',
          channels: [{ channelId: `edge-0~${producer}~${consumer}` as ChannelId, peerSubtask: 0, peer: { taskManagerId, slot: 0 } }],
        },
      ],
      outputs: [],
      restore: {
        checkpointId: 41 as CheckpointId,
        isFinal: false,
        tasks: [
          {
            vertexId: sinkId as VertexId,
            subtaskIndex: 1,
            operators: [
              {
                operatorId: sinkId as OperatorId,
                keyed: [
                  { keyGroups: { start: 64, end: 127 }, chunks: [{ name: `${jobId}/41/${consumer}/sum/0`, bytes: 262_144, sha256 }] },
                ],
                operatorState: Uint8Array.of(0xa0),
              },
            ],
            isFinished: false,
            stateBytes: 262_144,
          },
        ],
      },
      enumerate: [],
    },
    reply: { kind: 'refused', error },
  }),
  sample('checkpoints', 'checkpoint.declined', {
    to: `job.${jobId}`,
    body: { jobId, attemptId: consumer, checkpointId: 42 as CheckpointId, reason: 'CHECKPOINT_DECLINED_TASK_NOT_READY', error },
    reply: {},
  }),
  sample('jobs', 'blob.upload-chunk', {
    to: 'job-manager',
    body: { sha256, index: 0, count: 2, bytes: Uint8Array.from({ length: 64 }, (_, index) => index * 4) },
    reply: { isComplete: false },
  }),
  sample('events', 'job.status-changed', {
    to: `events.job.${jobId}`,
    body: { jobId, from: 'RUNNING', to: 'RESTARTING', at: 1_767_225_601_000.25, error },
    reply: null,
  }),
];
