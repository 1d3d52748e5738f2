/**
 * What the TaskManager's main thread and the runtime in a slot say to each other, beside the bus. Private to the process:
 * these messages are not part of the protocol. The channel between them loses nothing while both ends live.
 */
import type { AttemptId, CheckpointId } from '../../core/ids.js';
import type { ErrorRecord } from '../../core/errors.js';
import type { BusCommand, BusNews } from '../../bus/transports/thread/thread-messages.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode, TaskState } from '../../bus/protocol/schemas.js';
import type { ChunkHandle } from '../../storage/contracts.js';
import type { TaskReport } from './report-parts.js';

interface SlotLayer {
  readonly layer: 'slot';
}

/** From the main thread to the slot. */
export type SlotCommand = SlotLayer &
  (
    | { readonly kind: 'deploy'; readonly descriptor: TaskDeploymentDescriptor }
    | { readonly kind: 'cancel'; readonly attemptId: AttemptId }
    /** Fails every task of the slot. */
    | { readonly kind: 'fail-tasks'; readonly error: ErrorRecord }
    /** Heals a lost confirmation: this checkpoint is complete. */
    | { readonly kind: 'checkpoint-completed'; readonly checkpointId: CheckpointId }
    /** Answers `code-wanted`. */
    | { readonly kind: 'code'; readonly id: number; readonly code: CodeAnswer }
    /** Answers `chunk-write` or `chunk-read`. */
    | { readonly kind: 'chunk'; readonly id: number; readonly answer: ChunkAnswer }
    /** Fails what runs, closes everything, says `stopped`. */
    | { readonly kind: 'stop'; readonly error: ErrorRecord }
  );

/** Where the job's module can be loaded from, or why not. */
export type CodeAnswer = { readonly kind: 'module'; readonly url: string } | { readonly kind: 'failed'; readonly error: ErrorRecord };

/** What came of writing or reading a chunk. */
export type ChunkAnswer =
  | { readonly kind: 'written'; readonly handle: ChunkHandle }
  | { readonly kind: 'read'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly error: ErrorRecord };

/** Chunks by way of the main thread: for storage that lives in the memory of the process. */
export type ChunkRequest =
  | { readonly kind: 'chunk-write'; readonly id: number; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'chunk-read'; readonly id: number; readonly handle: ChunkHandle };

/**
 * `open`: the task holds something; `closed`: it ended and holds nothing any more; `released`: its final state is known to
 * the scheduler, it is gone.
 */
export type TaskPhase = 'open' | 'closed' | 'released';

/** From the slot to the main thread. */
export type SlotNews = SlotLayer &
  (
    | { readonly kind: 'task'; readonly attemptId: AttemptId; readonly state: TaskState; readonly phase: TaskPhase }
    /** Once a second while tasks run; also the sign that the thread is not stuck. */
    | { readonly kind: 'progress'; readonly tasks: readonly TaskReport[] }
    | { readonly kind: 'code-wanted'; readonly id: number; readonly code: JobCode }
    | ChunkRequest
    | { readonly kind: 'stopped' }
  );

export type ToSlot = BusNews | SlotCommand;
export type FromSlot = BusCommand | SlotNews;
