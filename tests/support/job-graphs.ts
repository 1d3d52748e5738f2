/** Small job graphs for tests of the control plane, made without the api. */
import { edgeId, operatorId, vertexId } from '../../core/ids.js';
import type {
  JobEdge,
  JobGraph,
  JobSettings,
  JobVertex,
  OperatorKind,
  PartitionerKind,
  RestartStrategySettings,
} from '../../graph/types.js';

export interface TestGraphOptions {
  readonly parallelism?: number;
  /** Between each vertex and the next; FORWARD makes one region a subtask. */
  readonly partitioner?: PartitionerKind;
  readonly vertices?: readonly string[];
  readonly settings?: Partial<JobSettings>;
}

export const fixedDelay = (attempts: number, delayMs = 100): RestartStrategySettings => ({ kind: 'fixed-delay', attempts, delayMs });

export const testSettings: JobSettings = {
  checkpointing: {
    intervalMs: undefined,
    timeoutMs: 60_000,
    minPauseMs: 0,
    maxConcurrent: 1,
    tolerableFailures: 0,
    retained: 1,
    retention: 'DELETE_ON_CANCELLATION',
  },
  restartStrategy: fixedDelay(3),
  failover: 'region',
  bufferTimeoutMs: 100,
  objectReuse: false,
  slotRequestTimeoutMs: 10_000,
  cancellationTimeoutMs: 180_000,
};

/** A line of vertices; the first one is a source, the last one a sink. Vertex ids are the names. */
export function testGraph(options: TestGraphOptions = {}): JobGraph {
  const names = options.vertices ?? ['numbers', 'count'];
  const parallelism = options.parallelism ?? 2;
  const vertices: JobVertex[] = names.map((name, index) => ({
    id: vertexId(name),
    name,
    parallelism,
    maxParallelism: 128,
    slotSharingGroup: 'default',
    operators: [
      {
        id: operatorId(`${name}-op`),
        kind: kindOf(index, names.length),
        type: 'test',
        name: `${name} operator`,
        uid: name,
        isKeyed: false,
      },
    ],
    chainedEdges: [],
  }));
  const edges: JobEdge[] = vertices.slice(1).map((target, index) => {
    const source = vertices[index] as JobVertex;
    return {
      id: edgeId(`${source.id}-${target.id}`),
      sourceVertex: source.id,
      targetVertex: target.id,
      sourceOperator: operatorId(`${source.name}-op`),
      partitioner: options.partitioner ?? 'HASH',
      inputIndex: 0,
      sideOutput: null,
    };
  });
  return {
    formatVersion: 1,
    name: 'test job',
    vertices,
    edges,
    settings: { ...testSettings, ...options.settings },
    parameters: {},
    planning: { parallelism, maxParallelism: null, isChainingEnabled: true },
    fingerprint: '0'.repeat(64),
    operatorFingerprints: [],
  };
}

function kindOf(index: number, count: number): OperatorKind {
  if (index === 0) return 'source';
  return index === count - 1 ? 'sink' : 'operator';
}
