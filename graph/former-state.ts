/**
 * What a checkpoint holds of a job, as far as planning looks into it. The shapes are those of storage/contracts, which
 * planning does not import.
 */
import type { KeyGroupRange, OperatorId, VertexId } from '../core/ids.js';

/** A chunk of state, which planning does not look into. */
interface Chunk {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A keyed state handle, as far as planning looks into it. */
export interface KeyedHandle {
  readonly keyGroups: KeyGroupRange;
}

export interface FormerOperator<Handle extends KeyedHandle> {
  readonly operatorId: OperatorId;
  readonly keyed: readonly Handle[];
  readonly operatorState: Uint8Array | null;
  readonly operatorStateChunks?: readonly Chunk[];
  readonly states?: readonly NamedState[];
  readonly watermark?: number;
}

/** A named operator state (an `OperatorStateHandle`). */
export interface NamedState {
  readonly name: string;
  readonly mode: 'split' | 'union' | 'broadcast';
  readonly items: number;
  readonly chunks: readonly Chunk[];
  readonly share?: { readonly from: number; readonly index: number; readonly of: number };
}

/** One former subtask (a `TaskSnapshot`). */
export interface FormerTask<Handle extends KeyedHandle> {
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  readonly operators: readonly FormerOperator<Handle>[];
  readonly isFinished: boolean;
  readonly stateBytes: number;
}

/** A former vertex, with the parallelism its state was written with. */
export interface FormerVertex {
  readonly vertexId: VertexId;
  readonly parallelism: number;
  readonly maxParallelism: number;
}
