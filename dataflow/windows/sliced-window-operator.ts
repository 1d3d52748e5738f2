/**
 * Tumbling and sliding windows that fire at their end: a record changes one slice, whatever the number of its windows.
 *
 * SW1  Results and late records are those of the general window operator, for the same assigner with its own trigger.
 * SW2  A key has one timer for each slice that is new and then one for each window: the next one that holds a slice.
 * SW3  A slice is kept until the last of its windows ended, with the allowed lateness; a slice with records whose windows
 *      are not all complete always has a timer that fires the next of them.
 * SW4  Windows of the clock end when their last millisecond is over, and a clock that is set back opens none again. Where that
 *      is asked for, tumbling ones that are open when the input has ended fire then.
 * SW5  A window that fired is complete for its key as long as its slices are kept, also after a restore, when the watermark begins
 *      anew: a record for it then is late, or fires it again at once, as before (SR4).
 */
import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { maxWatermark, minWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import { keyedStateOf } from '../operators/runtime-context.js';
import { failFunction } from '../operators/user-error.js';
import { lateRecordsOf } from './late-records.js';
import {
  closedOf,
  contentsAt,
  contentsBetween,
  dropSlices,
  endAt,
  hasSlices,
  insertSlice,
  isEmpty,
  migrateRing,
  placeIn,
  ringOf,
  touchSlice,
  type SliceRing,
} from './slice-ring.js';
import { Slices } from './slices.js';
import { timestampMissing } from './timestamps.js';
import type { FixedWindows } from './window-assigner.js';
import { ownContentsBy, type WindowContents } from './window-contents.js';
import type { WindowFiring } from './window-firing.js';
import { contentsOf, firingOf, type WindowPlan } from './window-plan.js';
import { TimeWindow } from './window.js';

/** What the timers of all keys have in common that are due at one time. */
interface DueEnd {
  readonly end: number;
  /** Windows of one end share it, all keys over. */
  readonly window: TimeWindow;
  readonly isWindowEnd: boolean;
  /** Slices that end there or before belong to no window that may still fire (SW3). */
  readonly dropThrough: number;
}

interface Cell<Acc> {
  keyed?: KeyedStateBackend;
  ring?: ValueState<SliceRing<Acc>>;
  /** The latest time of the clock that was seen (SW4). */
  now: number;
}

export class SlicedWindowOperator<In, Acc, Mid, Out> implements Operator<In, Out> {
  readonly #plan: WindowPlan<In, Acc, Mid, Out>;
  readonly #slices: Slices;
  readonly #isEventTime: boolean;
  readonly #firesAtEnd: boolean;
  readonly #latenessMs: number;
  /** A window is one slice, and fires once: its contents need not be copied. */
  readonly #isTaken: boolean;
  readonly #cell: Cell<Acc> = { now: noTimestamp };
  #due: DueEnd = { end: NaN, window: new TimeWindow(0, 0), isWindowEnd: false, dropThrough: minWatermark };
  #contents!: WindowContents<In, Acc, Mid>;
  #firing!: WindowFiring<Mid>;
  #context!: OperatorContext;
  #takeLate!: (value: unknown, timestamp: number) => void;

  /** `firesAtEnd`: tumbling windows of the clock fire when the input ends (SW4). */
  constructor(plan: WindowPlan<In, Acc, Mid, Out>, windows: FixedWindows, firesAtEnd: boolean) {
    this.#plan = plan;
    this.#firesAtEnd = firesAtEnd;
    this.#slices = new Slices(windows);
    this.#isEventTime = windows.time === 'event';
    this.#latenessMs = this.#isEventTime ? plan.allowedLatenessMs : 0;
    this.#isTaken = this.#slices.widthMs === this.#slices.sizeMs && this.#latenessMs === 0;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    this.#context = context;
    this.#contents = contentsOf(this.#plan, context);
    this.#firing = firingOf(this.#plan, out, context);
    this.#takeLate = lateRecordsOf(context, this.#plan.lateTag);
    const { keyOf } = this.#plan;
    const cell = this.#cell;
    const take: Emit<In> = (value, timestamp, keyHash) => {
      try {
        const key = keyOf(value);
        cell.keyed?.setCurrentKey(key, keyHash ?? keyHashOf(key));
        this.#add(value, timestamp);
      } catch (error) {
        failFunction(context.operatorName, error);
      }
    };
    return this.#compiled(context) ?? take;
  }

  open(context: OperatorContext): void | Promise<void> {
    this.#cell.keyed = keyedStateOf(context);
    this.#cell.ring = this.#cell.keyed.valueState<SliceRing<Acc>>('slices', { isOwned: true, version: 2, migrate: migrateRing });
    return this.#firing.open();
  }

  onTimer(time: number, domain: 'event' | 'processing'): void {
    const state = this.#cell.ring as ValueState<SliceRing<Acc>>;
    if (domain === 'processing') this.#cell.now = Math.max(this.#cell.now, time);
    // Timers of the clock are registered for the end itself (SW4).
    const end = domain === 'event' ? time + 1 : time;
    const ring = state.value();
    if (ring === undefined) return;
    const due = this.#dueAt(end);
    if (end > closedOf(ring)) ring[0] = end;
    try {
      if (domain === 'event' && !this.#isEventTime) return this.#fireAll(ring, state);
      if (due.isWindowEnd) this.#fire(ring, due.window);
      if (this.#latenessMs > 0) this.#end(ring, end - this.#latenessMs);
      dropSlices(ring, due.dropThrough);
      if (isEmpty(ring)) {
        state.clear();
        if (this.#firesAtEnd) this.#cell.keyed?.deleteTimer('event', maxWatermark);
        return;
      }
      state.update(ring);
      if (due.isWindowEnd && this.#slices.slideMs < this.#slices.sizeMs) this.#continueAfter(ring, end);
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
  }

  close(): void | Promise<void> {
    return this.#firing?.close();
  }

  /** Code of its own for the usual record: one for the latest slice of its key, that is open. */
  #compiled(context: OperatorContext): Emit<In> | undefined {
    const { code, uses } = this.#contents;
    const { widthMs, sliceOffset } = this.#slices;
    const time = this.#isEventTime ? 'timestamp' : '(cell.now = Math.max(cell.now, recordTime()))';
    return compile<Emit<In>>(
      'window',
      {
        ...uses,
        keyOf: this.#plan.keyOf,
        keyHashOf,
        cell: this.#cell,
        recordTime: () => context.recordTime(),
        currentWatermark: () => context.currentWatermark(),
        own: ownContentsBy({ place: context.operatorName, isObjectReuse: context.isObjectReuse }),
        addSlowly: (value: In, timestamp: number) => this.#add(value, timestamp),
        fail: (error: unknown): never => failFunction(context.operatorName, error),
      },
      `return function window(value, timestamp, keyHash) {
  try {
    const key = keyOf(value);
    cell.keyed.setCurrentKey(key, keyHash === undefined ? keyHashOf(key) : keyHash);
    const ring = cell.ring.value();
    if (ring !== undefined) {
      const time = ${time};
      const end = (Math.floor((time - ${sliceOffset}) / ${widthMs}) + 1) * ${widthMs} + ${sliceOffset};
      const last = ring.length - 2;
      if (ring[last] === end${this.#isEventTime ? ' && end > currentWatermark() + 1 && end > ring[0]' : ''}) {
        const before = ring[last + 1];
        const after = ${code.replaceAll('$', '')};
        if (after !== before) ring[last + 1] = typeof after === 'number' ? after : own(after);
        cell.ring.update(ring);
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
    const slices = this.#slices;
    if (!this.#isEventTime) cell.now = Math.max(cell.now, this.#context.recordTime());
    const end = slices.endAt(this.#isEventTime ? timestamp : cell.now);
    /** Windows that end there or before are complete. */
    const closed = this.#isEventTime ? closedFor(cell.ring?.value(), this.#context.currentWatermark() + 1) : cell.now;
    const firstEnd = slices.firstEnd(end);
    const lastEnd = slices.lastEnd(end);
    if (firstEnd > lastEnd || lastEnd + this.#latenessMs <= closed) {
      if (this.#isEventTime && timestamp + this.#latenessMs < closed) this.#takeLate(value, timestamp);
      return;
    }
    const ring = this.#put(value, timestamp, end, closed);
    (cell.ring as ValueState<SliceRing<Acc>>).update(ring);
    if (firstEnd > closed) return;
    // Late, but allowed: the windows that are complete already fire again, the latest first.
    for (
      let windowEnd = Math.min(lastEnd, (slices.nextEnd(end, closed) ?? lastEnd + slices.slideMs) - slices.slideMs);
      windowEnd >= firstEnd;
      windowEnd -= slices.slideMs
    )
      if (windowEnd + this.#latenessMs > closed) this.#fire(ring, this.#windowTo(windowEnd));
  }

  /** Adds the record to its slice. */
  #put(value: In, timestamp: number, end: number, closed: number): SliceRing<Acc> {
    const ring = this.#cell.ring?.value();
    const place = ring === undefined ? -1 : placeIn(ring, end);
    if (ring !== undefined && place > 0) {
      touchSlice(ring, end);
      ring[place + 1] = this.#contents.add(value, contentsAt(ring, place), timestamp);
      return ring;
    }
    const begun = this.#contents.begin(value, timestamp);
    const next = this.#slices.nextEnd(end, closed);
    if (next !== undefined) this.#registerAt(next);
    if (ring === undefined) {
      if (this.#firesAtEnd) this.#cell.keyed?.registerTimer('event', maxWatermark);
      return ringOf(end, begun);
    }
    touchSlice(ring, end);
    return insertSlice(ring, -place, end, begun);
  }

  #registerAt(end: number): void {
    if (this.#isEventTime) this.#cell.keyed?.registerTimer('event', end - 1);
    else this.#cell.keyed?.registerTimer('processing', end);
  }

  #fire(ring: SliceRing<Acc>, window: TimeWindow): void {
    const { start, end } = window;
    const contents = this.#isTaken ? this.#taken(ring, end) : contentsBetween(ring, start, end, this.#contents);
    if (contents === undefined) return;
    this.#firing.fire(this.#contents.values(contents), window, start);
    if (this.#latenessMs === 0) this.#firing.end(window, start);
    else if (end - 1 + this.#latenessMs <= maxWatermark) this.#cell.keyed?.registerTimer('event', end - 1 + this.#latenessMs);
  }

  /** Of a window that is one slice. */
  #taken(ring: SliceRing<Acc>, end: number): Acc | undefined {
    const place = placeIn(ring, end);
    return place > 0 ? contentsAt(ring, place) : undefined;
  }

  /** The input has ended: every window that is left fires, the earliest first. */
  #fireAll(ring: SliceRing<Acc>, state: ValueState<SliceRing<Acc>>): void {
    for (let place = 1; place < ring.length; place += 2) this.#fire(ring, this.#windowTo(endAt(ring, place)));
    state.clear();
  }

  /** A window and its allowed lateness are over. */
  #end(ring: SliceRing<Acc>, end: number): void {
    const window = this.#windowTo(end);
    if (!this.#slices.isWindowEnd(end) || !hasSlices(ring, window.start, end)) return;
    this.#firing.end(window, window.start);
  }

  #windowTo(end: number): TimeWindow {
    return new TimeWindow(end - this.#slices.sizeMs, end);
  }

  #dueAt(end: number): DueEnd {
    if (this.#due.end !== end) {
      this.#due = {
        end,
        window: this.#windowTo(end),
        isWindowEnd: this.#slices.isWindowEnd(end),
        dropThrough: this.#slices.endAfter(end - this.#latenessMs) - this.#slices.sizeMs,
      };
    }
    return this.#due;
  }

  /** Registers the window after one that ended, when it holds a slice (SW2). */
  #continueAfter(ring: SliceRing<Acc>, end: number): void {
    const next = end + this.#slices.slideMs;
    if (hasSlices(ring, next - this.#slices.sizeMs, next)) this.#registerAt(next);
  }
}

/** SW5. */
function closedFor(ring: SliceRing<unknown> | undefined, time: number): number {
  return ring === undefined ? time : Math.max(closedOf(ring), time);
}
