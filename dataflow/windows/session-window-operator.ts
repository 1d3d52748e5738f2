/**
 * Session windows that fire at their end: the sessions of a key are one value of its state.
 *
 * SO1  Results and late records are those of the general window operator, for the same assigner with its own trigger.
 * SO2  A session that is not complete has a timer at its end or before: when it fires and the session has grown meanwhile,
 *      the next one is registered then, not for every record.
 *      One that fired and is kept has none for its end: it says so, also after a restore, when the watermark begins anew.
 * SO3  No two sessions of a key meet (MW1).
 */
import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { maxWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import { keyedStateOf } from '../operators/runtime-context.js';
import { failFunction } from '../operators/user-error.js';
import { lateRecordsOf } from './late-records.js';
import { checkedGap, timestampMissing } from './timestamps.js';
import type { SessionWindows } from './window-assigner.js';
import { ownContentsBy, type WindowContents } from './window-contents.js';
import type { WindowFiring } from './window-firing.js';
import { contentsOf, firingOf, type WindowPlan } from './window-plan.js';
import { TimeWindow } from './window.js';

interface OpenSession<Acc> {
  start: number;
  end: number;
  contents: Acc;
  /** Kept for the allowed lateness: a record that comes when the watermark is below its end needs a timer (SO2). */
  hasFired?: boolean;
}

interface Cell<Acc> {
  keyed?: KeyedStateBackend;
  sessions?: ValueState<OpenSession<Acc>[]>;
  /** The latest time of the clock that was seen. */
  now: number;
}

export class SessionWindowOperator<In, Acc, Mid, Out> implements Operator<In, Out> {
  readonly #plan: WindowPlan<In, Acc, Mid, Out>;
  readonly #windows: SessionWindows<In>;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  readonly #cell: Cell<Acc> = { now: noTimestamp };
  #contents!: WindowContents<In, Acc, Mid>;
  #firing!: WindowFiring<Mid>;
  #context!: OperatorContext;
  #takeLate!: (value: unknown, timestamp: number) => void;

  constructor(plan: WindowPlan<In, Acc, Mid, Out>, windows: SessionWindows<In>) {
    this.#plan = plan;
    this.#windows = windows;
    this.#isEventTime = windows.time === 'event';
    this.#latenessMs = this.#isEventTime ? plan.allowedLatenessMs : 0;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    this.#context = context;
    this.#contents = contentsOf(this.#plan, context);
    this.#firing = firingOf(this.#plan, out, context);
    this.#takeLate = lateRecordsOf(context, this.#plan.lateTag);
    const { keyOf } = this.#plan;
    const take: Emit<In> = (value, timestamp, keyHash) => {
      try {
        const key = keyOf(value);
        this.#cell.keyed?.setCurrentKey(key, keyHash ?? keyHashOf(key));
        this.#add(value, timestamp);
      } catch (error) {
        failFunction(context.operatorName, error);
      }
    };
    return this.#compiled(context) ?? take;
  }

  open(context: OperatorContext): void | Promise<void> {
    this.#cell.keyed = keyedStateOf(context);
    this.#cell.sessions = this.#cell.keyed.valueState('sessions', { isOwned: true });
    return this.#firing.open();
  }

  onTimer(time: number, domain: 'event' | 'processing'): void {
    const state = this.#cell.sessions as ValueState<OpenSession<Acc>[]>;
    if (domain === 'processing') this.#cell.now = Math.max(this.#cell.now, time);
    const closed = domain === 'event' ? time + 1 : time;
    const sessions = state.value();
    if (sessions === undefined) return;
    try {
      const left = sessions.filter((session) => this.#isKeptAt(session, closed));
      if (left.length === 0) state.clear();
      else state.update(left);
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
  }

  close(): void | Promise<void> {
    return this.#firing?.close();
  }

  /** Code of its own for the usual record: one within the latest session of its key, that is open. */
  #compiled(context: OperatorContext): Emit<In> | undefined {
    const { code, uses } = this.#contents;
    const isEventTime = this.#isEventTime;
    return compile<Emit<In>>(
      'session',
      {
        ...uses,
        keyOf: this.#plan.keyOf,
        keyHashOf,
        cell: this.#cell,
        recordTime: () => context.recordTime(),
        currentWatermark: () => context.currentWatermark(),
        gapOf: (value: In) => this.#gapOf(value),
        own: ownContentsBy({ place: context.operatorName, isObjectReuse: context.isObjectReuse }),
        addSlowly: (value: In, timestamp: number) => this.#add(value, timestamp),
        fail: (error: unknown): never => failFunction(context.operatorName, error),
      },
      `return function session(value, timestamp, keyHash) {
  try {
    const key = keyOf(value);
    cell.keyed.setCurrentKey(key, keyHash === undefined ? keyHashOf(key) : keyHash);
    const sessions = cell.sessions.value();
    if (sessions !== undefined) {
      const time = ${isEventTime ? 'timestamp' : '(cell.now = Math.max(cell.now, recordTime()))'};
      const session = sessions[sessions.length - 1];
      if (session.start <= time && time <= session.end && session.end > ${isEventTime ? 'currentWatermark() + 1' : 'time'}${this.#latenessMs > 0 ? ' && session.hasFired !== true' : ''}) {
        const end = time + ${typeof this.#windows.gap === 'number' ? this.#windows.gap : 'gapOf(value)'};
        if (end > session.end) session.end = end;
        const before = session.contents;
        const after = ${code.replaceAll('$', '')};
        if (after !== before) session.contents = typeof after === 'number' ? after : own(after);
        cell.sessions.update(sessions);
        return;
      }
    }
    addSlowly(value, timestamp);
  } catch (error) {
    fail(error);
  }
};`,
    );
  }

  /** The current key is set. */
  #add(value: In, timestamp: number): void {
    if (this.#isEventTime && timestamp === noTimestamp) throw timestampMissing(this.#context.operatorName);
    const cell = this.#cell;
    if (!this.#isEventTime) cell.now = Math.max(cell.now, this.#context.recordTime());
    const start = this.#isEventTime ? timestamp : cell.now;
    const end = Math.min(start + this.#gapOf(value), maxWatermark + 1);
    /** Sessions that end there or before are complete. */
    const closed = this.#isEventTime ? this.#context.currentWatermark() + 1 : cell.now;
    const state = cell.sessions as ValueState<OpenSession<Acc>[]>;
    const sessions = state.value() ?? [];
    let first = 0;
    while (first < sessions.length && (sessions[first] as OpenSession<Acc>).end < start) first += 1;
    let after = first;
    while (after < sessions.length && (sessions[after] as OpenSession<Acc>).start <= end) after += 1;
    if (first === after && end + this.#latenessMs <= closed) {
      this.#takeLate(value, timestamp);
      return;
    }
    const met = sessions.slice(first, after);
    const session = this.#joined(met, value, timestamp, start, end);
    sessions.splice(first, after - first, session);
    if (this.#latenessMs > 0 && session.end <= closed) session.hasFired = true;
    state.update(sessions);
    if (session.end <= closed) this.#fire(session);
    else if (!met.some((one) => one.end > closed && one.hasFired !== true)) this.#registerAt(session.end);
  }

  /** The session that a record makes of those it meets (MW1). */
  #joined(met: readonly OpenSession<Acc>[], value: In, timestamp: number, start: number, end: number): OpenSession<Acc> {
    const { begin, add, merge } = this.#contents;
    const [first, ...others] = met;
    if (first === undefined) return { start, end, contents: begin(value, timestamp) };
    const merged = others.reduce((contents, other) => merge(contents, other.contents), first.contents);
    return {
      start: Math.min(start, first.start),
      end: Math.max(end, (met.at(-1) as OpenSession<Acc>).end),
      contents: add(value, merged, timestamp),
    };
  }

  /** Fires a session that is complete, or waits for its end (SO2); whether it is kept. */
  #isKeptAt(session: OpenSession<Acc>, closed: number): boolean {
    if (session.end > closed) {
      if (session.hasFired !== true) this.#registerAt(session.end);
      return true;
    }
    if (session.end === closed && session.hasFired !== true) this.#fire(session);
    if (session.end + this.#latenessMs > closed) {
      session.hasFired = true;
      return true;
    }
    this.#firing.end(new TimeWindow(session.start, session.end), undefined);
    return false;
  }

  #fire(session: OpenSession<Acc>): void {
    const { start, end } = session;
    const contents = this.#latenessMs === 0 ? session.contents : this.#contents.copy(session.contents);
    this.#firing.fire(this.#contents.values(contents), new TimeWindow(start, end), undefined);
    if (this.#latenessMs > 0 && end + this.#latenessMs <= maxWatermark) this.#registerAt(end + this.#latenessMs);
  }

  #registerAt(end: number): void {
    if (this.#isEventTime) this.#cell.keyed?.registerTimer('event', end - 1);
    else this.#cell.keyed?.registerTimer('processing', end);
  }

  #gapOf(value: In): number {
    const { gap } = this.#windows;
    return typeof gap === 'number' ? gap : checkedGap(gap(value), this.#context.operatorName);
  }
}
