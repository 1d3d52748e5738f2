/**
 * One slot's thread, as the main thread sees it: starts it, talks to it, ends it.
 *
 * SP1  `onEnded` is called exactly once, whatever ended the thread, also one that could not be started.
 * SP2  An attempt is deployed into the thread at most once, however often the deployment is asked for.
 * SP3  A task that was told to go and has not closed within its job's cancellation timeout costs the thread: it is ended by
 *      force. If it has not ended 5 s later, nothing but the end of the process helps: `onFatal`.
 * SP4  A thread with tasks that says nothing for `silenceMs` is reported, once: user code that does not give the thread back
 *      also keeps its task from answering a cancel.
 * SP5  `attempts` holds every attempt whose final state the scheduler may not know yet.
 * SP6  A thread that ended unasked without ever having said a word could not be started: `SLOT_NOT_STARTED`.
 */
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AttemptId, CheckpointId } from '../../core/ids.js';
import type { Clock, Logger, SlotSpawner, SlotStart, SlotThread, TimerHandle } from '../../core/ports.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode, TaskState } from '../../bus/protocol/schemas.js';
import type { AttachedSlot, ThreadBusRouter } from '../../bus/transports/thread/thread-bus-router.js';
import type { ChunkStore } from '../../dataflow/task-runtime.js';
import type { TaskReport } from '../task/report-parts.js';
import type { ChunkAnswer, ChunkRequest, CodeAnswer, FromSlot, SlotCommand, SlotNews, TaskPhase, ToSlot } from '../task/slot-messages.js';

export interface SlotProcessOptions {
  readonly start: SlotStart;
  readonly spawner: SlotSpawner<FromSlot, ToSlot>;
  readonly router: ThreadBusRouter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resolveCode: (code: JobCode) => Promise<string>;
  /** For slots whose checkpoint storage lives in the memory of this process. */
  readonly chunks: ChunkStore | undefined;
  readonly onProgress: (tasks: readonly TaskReport[]) => void;
  readonly onEnded: (error: ErrorRecord) => void;
  readonly onFatal: (reason: string) => void;
}

interface DeployedAttempt {
  /** `name (2/4)`. */
  readonly task: string;
  readonly cancellationTimeoutMs: number;
  state: TaskState;
  isClosed: boolean;
  watchdog: TimerHandle | undefined;
}

/** How long a thread that was told to stop may take when no task is in it. */
const emptyStopMs = 5_000;
/** Tasks make themselves heard once a second. */
const silenceMs = 10_000;
/** How long `terminate` may take before the process has to go. */
const terminateMs = 5_000;

export class SlotProcess {
  readonly #options: SlotProcessOptions;
  readonly #attempts = new Map<AttemptId, DeployedAttempt>();
  readonly #deployed = new Set<AttemptId>();
  #thread: SlotThread<FromSlot, ToSlot> | undefined;
  #attached: AttachedSlot | undefined;
  #stopTimer: TimerHandle | undefined;
  #fatalTimer: TimerHandle | undefined;
  #silence: TimerHandle | undefined;
  #isSilent = false;
  #hasSpoken = false;
  #endReason: ErrorRecord | undefined;
  #isEnded = false;

  constructor(options: SlotProcessOptions) {
    this.#options = options;
    try {
      const thread = options.spawner.start(options.start);
      this.#thread = thread;
      const attached = options.router.attach((message, transfer) => thread.channel.post(message, transfer));
      this.#attached = attached;
      thread.channel.onMessage((message) => {
        if (this.#isEnded) return;
        this.#hasSpoken = true;
        if (message.layer === 'bus') attached.receive(message);
        else this.#hear(message);
      });
      thread.onExit((error) => this.#ended(error));
    } catch (error) {
      // Not inside the constructor: whoever starts a slot must have it before he hears of its end.
      queueMicrotask(() => this.#ended(error));
    }
  }

  /** Attempts and their states (SP5). */
  attempts(): readonly { readonly attemptId: AttemptId; readonly state: TaskState }[] {
    return [...this.#attempts].map(([attemptId, { state }]) => ({ attemptId, state }));
  }

  /** False when the attempt was deployed before (SP2). */
  deploy(descriptor: TaskDeploymentDescriptor): boolean {
    const { attemptId, vertexId, subtaskIndex, jobGraph } = descriptor;
    if (this.#deployed.has(attemptId)) return false;
    this.#deployed.add(attemptId);
    const vertex = jobGraph.vertices.find(({ id }) => id === vertexId);
    this.#attempts.set(attemptId, {
      task: `${vertex?.name ?? vertexId} (${subtaskIndex + 1}/${vertex?.parallelism ?? '?'})`,
      cancellationTimeoutMs: descriptor.jobGraph.settings.cancellationTimeoutMs,
      state: 'CREATED',
      isClosed: false,
      watchdog: undefined,
    });
    this.#post({ layer: 'slot', kind: 'deploy', descriptor });
    if (this.#silence === undefined) this.#expectNews();
    return true;
  }

  /** Whether the attempt is here to be cancelled. */
  cancel(attemptId: AttemptId): boolean {
    const attempt = this.#attempts.get(attemptId);
    if (attempt === undefined) return false;
    this.#post({ layer: 'slot', kind: 'cancel', attemptId });
    this.#watch(attemptId, attempt);
    return true;
  }

  failTasks(error: ErrorRecord): void {
    this.#post({ layer: 'slot', kind: 'fail-tasks', error });
    for (const [attemptId, attempt] of this.#attempts) this.#watch(attemptId, attempt);
  }

  checkpointCompleted(checkpointId: CheckpointId): void {
    this.#post({ layer: 'slot', kind: 'checkpoint-completed', checkpointId });
  }

  /**
   * Fails what runs, lets it close, ends the thread; by force after `withinMs`, or the longest cancellation timeout. A
   * second call can only shorten the wait.
   */
  stop(error: ErrorRecord, withinMs?: number): void {
    if (this.#isEnded) return;
    if (this.#endReason === undefined) {
      this.#endReason = error;
      this.#post({ layer: 'slot', kind: 'stop', error });
    } else if (withinMs === undefined) return;
    const patienceMs = withinMs ?? this.#patienceMs();
    if (patienceMs === undefined) return;
    this.#stopTimer?.cancel();
    this.#stopTimer = this.#options.clock.setTimer(patienceMs, () => this.#terminate('it did not stop when it was told to'));
  }

  /** How long tasks may take to close; undefined when a job switched its watchdog off. */
  #patienceMs(): number | undefined {
    const timeouts = [...this.#attempts.values()]
      .filter(({ isClosed }) => !isClosed)
      .map(({ cancellationTimeoutMs }) => cancellationTimeoutMs);
    return timeouts.includes(0) ? undefined : Math.max(emptyStopMs, ...timeouts);
  }

  #watch(attemptId: AttemptId, attempt: DeployedAttempt): void {
    // 0 switches the watchdog off, as in Flink.
    if (attempt.watchdog !== undefined || attempt.cancellationTimeoutMs === 0 || attempt.isClosed) return;
    attempt.watchdog = this.#options.clock.setTimer(attempt.cancellationTimeoutMs, () => {
      this.#terminate(`task ${attemptId} was to end ${attempt.cancellationTimeoutMs} ms ago and has not`);
    });
  }

  #terminate(why: string): void {
    const thread = this.#thread;
    if (thread === undefined || this.#isEnded || this.#fatalTimer !== undefined) return;
    const { clock, logger, onFatal, start } = this.#options;
    logger.log('error', 'a slot is ended by force', { slot: start.slot, allocationId: start.allocationId, why });
    this.#endReason ??= slotDied(`slot ${start.slot} was ended by force: ${why}`);
    this.#fatalTimer = clock.setTimer(terminateMs, () => onFatal(`slot ${start.slot} cannot be ended: ${why}`));
    this.#end(thread);
  }

  #end(thread: SlotThread<FromSlot, ToSlot>): void {
    thread.terminate().catch((error: unknown) => {
      this.#options.logger.log('error', 'a slot could not be terminated', { error: toErrorRecord(error) });
    });
  }

  #expectNews(): void {
    const { clock, logger, start } = this.#options;
    this.#silence?.cancel();
    this.#silence = undefined;
    if (this.#attempts.size === 0) return;
    this.#silence = clock.setTimer(silenceMs, () => {
      this.#isSilent = true;
      logger.log('warn', 'a slot does not answer: a function in it keeps the thread', { slot: start.slot, jobId: start.jobId, silenceMs });
    });
  }

  #hear(news: SlotNews): void {
    if (this.#isSilent) this.#options.logger.log('info', 'a slot answers again', { slot: this.#options.start.slot });
    this.#isSilent = false;
    this.#dispatch(news);
    this.#expectNews();
  }

  #dispatch(news: SlotNews): void {
    switch (news.kind) {
      case 'task':
        return this.#onTask(news.attemptId, news.state, news.phase);
      case 'progress':
        return this.#options.onProgress(news.tasks);
      case 'code-wanted':
        return this.#provideCode(news.id, news.code);
      case 'chunk-write':
      case 'chunk-read':
        return this.#serveChunk(news);
      case 'stopped':
        if (this.#thread !== undefined) this.#end(this.#thread);
        return undefined;
    }
  }

  #onTask(attemptId: AttemptId, state: TaskState, phase: TaskPhase): void {
    const attempt = this.#attempts.get(attemptId);
    if (attempt === undefined) return;
    if (attempt.state !== state) {
      const { logger, start } = this.#options;
      const isOfNote = state === 'RUNNING' || state === 'FINISHED' || state === 'FAILED' || state === 'CANCELED';
      logger.log(isOfNote ? 'info' : 'debug', `${attempt.task} is ${state}`, { jobId: start.jobId, slot: start.slot, attemptId });
    }
    attempt.state = state;
    if (phase === 'open') {
      // Also a task that fails by itself must close in time.
      if (state === 'FAILED' || state === 'CANCELING') this.#watch(attemptId, attempt);
      return;
    }
    attempt.isClosed = true;
    attempt.watchdog?.cancel();
    if (phase === 'released') this.#attempts.delete(attemptId);
  }

  #provideCode(id: number, code: JobCode): void {
    const answer = (answered: CodeAnswer): void => this.#post({ layer: 'slot', kind: 'code', id, code: answered });
    this.#options.resolveCode(code).then(
      (url) => answer({ kind: 'module', url }),
      (error: unknown) => answer({ kind: 'failed', error: toErrorRecord(error) }),
    );
  }

  #serveChunk(request: ChunkRequest): void {
    const answer = (answered: ChunkAnswer): void => this.#post({ layer: 'slot', kind: 'chunk', id: request.id, answer: answered });
    const { chunks } = this.#options;
    if (chunks === undefined) {
      answer({
        kind: 'failed',
        error: toErrorRecord(new MillraceError('NO_CHECKPOINT_STORAGE', 'the TaskManager has no checkpoint storage for its slots')),
      });
      return;
    }
    const outcome: Promise<ChunkAnswer> =
      request.kind === 'chunk-write'
        ? chunks.write(request.name, request.bytes).then((handle) => ({ kind: 'written', handle }))
        : chunks.read(request.handle).then((bytes) => ({ kind: 'read', bytes }));
    void outcome.catch((error: unknown): ChunkAnswer => ({ kind: 'failed', error: toErrorRecord(error) })).then(answer);
  }

  #post(command: SlotCommand): void {
    if (!this.#isEnded) this.#thread?.channel.post(command);
  }

  #ended(error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stopTimer?.cancel();
    this.#fatalTimer?.cancel();
    this.#silence?.cancel();
    for (const { watchdog } of this.#attempts.values()) watchdog?.cancel();
    this.#attempts.clear();
    this.#attached?.detach();
    this.#thread?.channel.close();
    const { start, onEnded } = this.#options;
    onEnded(
      this.#endReason ??
        (this.#hasSpoken ? slotDied(`the thread of slot ${start.slot} ended unasked`, error) : notStarted(start.slot, error)),
    );
  }
}

/** Code of SP6. */
export const slotNotStarted = 'SLOT_NOT_STARTED';

function notStarted(slot: number, cause: unknown): ErrorRecord {
  return toErrorRecord(
    new MillraceError(slotNotStarted, `the thread of slot ${slot} could not be started`, {
      domain: 'external',
      recovery: 'restart-job',
      ...(cause === undefined ? {} : { cause }),
    }),
  );
}

function slotDied(message: string, cause?: unknown): ErrorRecord {
  return toErrorRecord(
    new MillraceError('SLOT_DIED', message, { domain: 'internal', recovery: 'restart-job', ...(cause === undefined ? {} : { cause }) }),
  );
}
