/**
 * The event time of one task: where it stands, and what happens when it moves.
 *
 * A chain has a timeline that begins at its head, and one more for each operator that assigns timestamps: it and those
 * behind it follow what that one makes.
 *
 * TT1  Time never falls. Timers that are due fire, and operators hear of it, before it is handed on (ET1).
 * TT2  What a timeline makes by itself leaves between records, before the next one.
 * TT3  The last watermark comes from the input alone, and goes through all timelines.
 * TT4  While a timeline is idle its time stands; active is said before it moves again, idle after it moved.
 * TT5  A task that restores a checkpoint taken after `finish` hands time on, and calls no operator with it.
 * TT6  An operator that holds time hears of it and hands it on itself; it is the only one of its task.
 * TT7  A task that restores a checkpoint goes on from the time of the checkpoint, from `open` on: what was late stays late. Before
 *      anything else it says so again, as if time had moved there: those that are fed by several tasks wait for each of them.
 *      Of operators that share a timeline and did not in the checkpoint, the earliest counts.
 * TT8  Where time goes by the records, and is made periodically, it is also brought up to them after so many records: what waits
 *      for time is then no more than that, however many records a period has. Nothing else happens then.
 */
import type { TaskTimeReport } from '../../bus/protocol/event-times.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { OperatorId } from '../../core/ids.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import type { StreamEvent } from '../channels/elements.js';
import { maxWatermark, type TimeChange } from '../contracts.js';
import type { TimeHolders, TimeOrigin } from '../time/time-origin.js';
import { advanceOperators, endInputOfHead, finishChain, type ChainScope } from './event-time.js';
import type { ChainedOperator } from './chained-operator.js';
import { callOperator, type Procedure } from './procedure.js';
import { timeReport } from './time-report.js';
import { timeline, type Timeline } from './timeline.js';

export interface TaskTimeOptions {
  readonly vertex: JobVertex;
  readonly scope: ChainScope;
  /** TT5. */
  readonly isRestoredFinished: boolean;
  readonly restore: Pick<NonNullable<TaskDeploymentDescriptor['restore']>, 'checkpointId' | 'watermarks'> | null;
  readonly clock: Clock;
  /** Between two periodic emissions; 0: there are none. */
  readonly emitEveryMs: number;
  /** TT8. */
  readonly emitEveryRecords: number;
  /** Milliseconds in which the task was held back, so far. */
  readonly backPressuredMs: () => number;
  readonly wake: () => void;
  /** To the channels of the outputs of these operators. */
  readonly broadcast: (event: StreamEvent, of: ReadonlySet<OperatorId>) => void;
}

/** See the head of this file. */
export class TaskTime {
  readonly #options: TaskTimeOptions;
  readonly #input = timeline();
  /** In topological order; the first one is that of the head. */
  readonly #timelines: Timeline[] = [this.#input];
  #isEmissionDue = false;
  /** Records of the task when time was last brought up to them. */
  #recordsTimed = 0;
  #timer: TimerHandle | undefined;

  constructor(options: TaskTimeOptions) {
    this.#options = options;
  }

  /** For people: where time stands, and what holds it. */
  report(input: () => TimeHolders): TaskTimeReport[] {
    return timeReport(this.#timelines, input);
  }

  /** Where an operator stands; those before it have been placed. */
  readonly place = ({ id }: OperatorDescriptor, origin: TimeOrigin | undefined): Timeline => {
    const before = this.#options.vertex.chainedEdges.find(({ target }) => target === id)?.source;
    let placed = this.#timelines.find(({ ids }) => before !== undefined && ids.has(before)) ?? this.#input;
    if (origin !== undefined) {
      placed = timeline(origin);
      this.#timelines.push(placed);
    }
    placed.ids.add(id);
    this.#restore(placed, id);
    return placed;
  };

  /** TT7; undefined when nothing was restored. */
  sayRestored(): Procedure | undefined {
    return this.#timelines.some(({ restored }) => restored !== undefined) ? this.#sayRestored() : undefined;
  }

  /** From now on emissions are due. `source` makes the time of the head. */
  start(source: TimeOrigin | undefined): void {
    this.#input.origin = source;
    for (const line of this.#timelines) line.since = this.#options.clock.now();
    if (this.#options.emitEveryMs > 0 && this.#timelines.some(({ origin }) => origin !== undefined)) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What came in says where time stands. */
  move(change: TimeChange): Procedure {
    return this.#move(this.#input, change);
  }

  /** What moves by itself, if anything does (TT2). */
  due(recordsIn: number): Procedure | undefined {
    if (this.#isEmissionDue) this.#emitPeriodically(recordsIn);
    else if (recordsIn - this.#recordsTimed >= this.#options.emitEveryRecords) this.#followRecords(recordsIn);
    for (const line of this.#timelines) {
      const { origin } = line;
      if (origin === undefined || line.watermark === maxWatermark) continue;
      const { watermark, isIdle } = origin;
      if (isIdle !== line.isIdle || (!isIdle && watermark > line.watermark)) return this.#move(line, { watermark, isIdle });
    }
    return undefined;
  }

  /** What an operator that holds time hands on (TT6). */
  emit({ watermark, isIdle }: TimeChange): void {
    const { broadcast } = this.#options;
    const { ids } = this.#input;
    if (isIdle === false) broadcast({ kind: 'watermark-status', isIdle }, ids);
    if (watermark !== undefined) broadcast({ kind: 'watermark', time: watermark }, ids);
    if (isIdle === true) broadcast({ kind: 'watermark-status', isIdle }, ids);
  }

  /** One input has ended, others have not: what that does to time, then the head hears of it. */
  *endInput(input: number, change: TimeChange): Procedure {
    const { scope, isRestoredFinished } = this.#options;
    yield* this.#move(this.#input, change);
    if (!isRestoredFinished) yield* endInputOfHead(scope, input);
  }

  /** The last watermark, then the end of the last input, and the last words of the operators. */
  *end(lastInput: number | undefined): Procedure {
    const { scope, isRestoredFinished } = this.#options;
    this.stop();
    yield* this.#end();
    if (isRestoredFinished) return;
    if (lastInput !== undefined) yield* endInputOfHead(scope, lastInput);
    yield* finishChain(scope);
  }

  *#move(line: Timeline, { watermark, isIdle }: TimeChange): Procedure {
    if (watermark === maxWatermark) {
      yield* this.#end();
      return;
    }
    if (isIdle === false && line.isIdle) {
      line.isIdle = false;
      yield* this.#tellStatus(line, isIdle);
    }
    if (watermark !== undefined && watermark > line.watermark && !line.isIdle) yield* this.#advance(line, watermark);
    if (isIdle === true && !line.isIdle) {
      line.isIdle = true;
      yield* this.#tellStatus(line, isIdle);
    }
  }

  *#advance(line: Timeline, watermark: number): Procedure {
    const { scope, isRestoredFinished, clock, broadcast } = this.#options;
    line.watermark = watermark;
    line.since = clock.now();
    if (!isRestoredFinished) yield* advanceOperators(scope, line.operators, watermark);
    if (this.#holderOf(line) === undefined) broadcast({ kind: 'watermark', time: watermark }, line.ids);
  }

  #restore(line: Timeline, id: OperatorId): void {
    const { restore, isRestoredFinished } = this.#options;
    const watermark = restore?.watermarks?.[id];
    if (restore === null || watermark === undefined || isRestoredFinished) return;
    line.restored = { checkpointId: restore.checkpointId, watermark: Math.min(watermark, line.restored?.watermark ?? watermark) };
    line.watermark = line.restored.watermark;
  }

  *#sayRestored(): Procedure {
    for (const line of this.#timelines) if (line.restored !== undefined) yield* this.#advance(line, line.watermark);
  }

  *#tellStatus(line: Timeline, isIdle: boolean): Procedure {
    const { scope, isRestoredFinished, broadcast } = this.#options;
    if (!isRestoredFinished) {
      for (const { operator, descriptor } of line.operators) {
        callOperator(descriptor, () => operator?.onIdle?.(isIdle));
        if (scope.isParked()) yield 'room';
      }
    }
    if (this.#holderOf(line) === undefined) broadcast({ kind: 'watermark-status', isIdle }, line.ids);
  }

  /** The operator that hands the time of the line on itself (TT6). */
  #holderOf({ operators: [first] }: Timeline): ChainedOperator | undefined {
    return first?.operator?.holdsTime === true && !this.#options.isRestoredFinished ? first : undefined;
  }

  /** TT3. */
  *#end(): Procedure {
    for (const line of this.#timelines) if (line.watermark < maxWatermark) yield* this.#advance(line, maxWatermark);
  }

  #emitPeriodically(recordsIn: number): void {
    const { clock, backPressuredMs } = this.#options;
    this.#isEmissionDue = false;
    const now = clock.monotonic() - backPressuredMs();
    this.#bringUp(recordsIn, (origin) => origin.onPeriodicEmit(now));
  }

  /** TT8. */
  #followRecords(recordsIn: number): void {
    this.#bringUp(recordsIn, (origin) => {
      if (this.#options.emitEveryMs > 0) origin.followRecords();
    });
  }

  #bringUp(recordsIn: number, call: (origin: TimeOrigin) => void): void {
    this.#recordsTimed = recordsIn;
    for (const { origin, operators } of this.#timelines) {
      const [maker] = operators;
      if (origin !== undefined && maker !== undefined) callOperator(maker.descriptor, () => call(origin));
    }
  }

  #arm(): void {
    const { clock, emitEveryMs, wake } = this.#options;
    this.#timer = clock.setTimer(emitEveryMs, () => {
      this.#isEmissionDue = true;
      this.#arm();
      wake();
    });
  }
}
