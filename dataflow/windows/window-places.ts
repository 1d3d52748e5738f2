/**
 * Which windows a record is in, and where the things of each window stand, for every kind of windows.
 *
 * WP1  Fixed windows are named by their start. Windows that merge, or that a user's assigner makes, are in a set of their key,
 *      which says the numbers their things stand under (MW2 to MW4).
 * WP2  Windows that have ended are not among those of a record, and not in the set.
 * WP3  Whoever is told of a merge is told before the record is added to what came of it.
 */
import { assert } from '../../core/errors.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { maxWatermark, type OperatorContext } from '../contracts.js';
import { checkedSpans, mergedSpans, type WindowSpan } from './custom-windows.js';
import { addExactly, addToSessions, emptySessions, removeSession, type Merge, type Session, type SessionSet } from './merging-windows.js';
import { checkedGap } from './timestamps.js';
import {
  isMergingWindowing,
  windowsAt,
  type CustomWindows,
  type FixedWindows,
  type SessionWindows,
  type Windowing,
} from './window-assigner.js';
import { openStaggered } from './window-stagger.js';
import { globalWindow, TimeWindow, type Window } from './window.js';

/** A window and where its things are. */
export interface Place {
  readonly window: Window;
  readonly contentsId: number;
  /** Of trigger state and timers. */
  readonly windowId: number;
  /** Of states of the window function; undefined: it has none, since it may become part of another. */
  readonly stateId: number | undefined;
}

/** The windows of one operator. The key is set before each call. */
export interface WindowPlaces<In> {
  /** Those that a record of this time is in (WP2). */
  of(value: In, time: number): readonly Place[];
  /** The one that a timer belongs to; undefined when it became part of another. */
  at(windowId: number): Place | undefined;
  /** It ended. */
  remove(place: Place): void;
}

export interface WindowPlacesOptions {
  readonly keyed: KeyedStateBackend;
  readonly context: OperatorContext;
  readonly hasEnded: (window: Window) => boolean;
  /** WP3. Those that were replaced are gone after the call. */
  readonly onMerge: (place: Place, replaced: readonly Place[]) => void;
}

/** Called when the operator opens: it may declare states. */
export function openPlaces<In>(windowing: Windowing<In>, options: WindowPlacesOptions): WindowPlaces<In> {
  if (windowing.kind === 'global') return solePlace;
  if (windowing.kind === 'fixed') return fixedPlaces(windowing, options);
  return new RegisteredPlaces(windowing, options);
}

const sole: Place = { window: globalWindow, contentsId: 0, windowId: 0, stateId: 0 };
const solePlace: WindowPlaces<unknown> = { of: () => [sole], at: () => sole, remove: () => undefined };

function fixedPlaces(windowing: FixedWindows, { context, hasEnded }: WindowPlacesOptions): WindowPlaces<unknown> {
  const { sizeMs } = windowing;
  const placeAt = (start: number): Place => ({
    window: new TimeWindow(start, start + sizeMs),
    contentsId: start,
    windowId: start,
    stateId: start,
  });
  const current = openStaggered(windowing, context);
  return {
    of: (_value, time) =>
      windowsAt(time, current())
        .filter((window) => !hasEnded(window))
        .map(({ start }) => placeAt(start)),
    at: placeAt,
    remove: () => undefined,
  };
}

/** Windows in a set of their key (WP1). */
class RegisteredPlaces<In> implements WindowPlaces<In> {
  readonly #windowing: SessionWindows<In> | CustomWindows<In>;
  readonly #options: WindowPlacesOptions;
  readonly #isMerging: boolean;
  readonly #state: ValueState<SessionSet>;

  constructor(windowing: SessionWindows<In> | CustomWindows<In>, options: WindowPlacesOptions) {
    this.#windowing = windowing;
    this.#options = options;
    this.#isMerging = isMergingWindowing(windowing);
    this.#state = options.keyed.valueState(windowing.kind === 'session' ? 'sessions' : 'windows', { isOwned: true });
  }

  of(value: In, time: number): readonly Place[] {
    const spans = this.#spansOf(value, time);
    if (spans.length === 0) return [];
    const set = this.#state.value() ?? emptySessions();
    const places = this.#isMerging ? this.#merging(set, spans) : this.#exactly(set, spans);
    this.#keep(set);
    return places;
  }

  at(windowId: number): Place | undefined {
    const session = this.#state.value()?.sessions.find((one) => one.windowId === windowId);
    return session && this.#placeOf(session);
  }

  remove({ windowId }: Place): void {
    const set = this.#state.value();
    const session = set?.sessions.find((one) => one.windowId === windowId);
    if (set === undefined || session === undefined) return;
    removeSession(set, session);
    this.#keep(set);
  }

  #spansOf(value: In, time: number): readonly WindowSpan[] {
    const { context } = this.#options;
    const windowing = this.#windowing;
    if (windowing.kind === 'session') {
      const gapMs = typeof windowing.gap === 'number' ? windowing.gap : checkedGap(windowing.gap(value), context.operatorName);
      return [{ start: time, end: Math.min(time + gapMs, maxWatermark + 1) }];
    }
    const answer = windowing.assigner.assignWindows(value, time, { currentProcessingTime: () => context.clock.now() });
    const spans = checkedSpans(answer, context.operatorName);
    return this.#isMerging ? mergedSpans(spans) : spans;
  }

  /** Spans do not meet each other, but what is there may join them. */
  #merging(set: SessionSet, spans: readonly WindowSpan[]): readonly Place[] {
    const { hasEnded, onMerge } = this.#options;
    const taken: WindowSpan[] = [];
    for (const span of spans) {
      const { session, replaced }: Merge = addToSessions(set, span.start, span.end);
      const place = this.#placeOf(session);
      if (hasEnded(place.window)) {
        assert(replaced.length === 0, 'Windows were merged into one that had ended before.');
        removeSession(set, session);
        continue;
      }
      if (replaced.length > 0)
        onMerge(
          place,
          replaced.map((one) => this.#placeOf(one)),
        );
      taken.push(span);
    }
    const isTaken = ({ start, end }: Session): boolean => taken.some((span) => start <= span.start && span.end <= end);
    return set.sessions.filter(isTaken).map((session) => this.#placeOf(session));
  }

  #exactly(set: SessionSet, spans: readonly WindowSpan[]): readonly Place[] {
    const { hasEnded } = this.#options;
    return spans
      .filter(({ start, end }) => !hasEnded(new TimeWindow(start, end)))
      .map(({ start, end }) => this.#placeOf(addExactly(set, start, end)));
  }

  #placeOf({ start, end, contentsId, windowId }: Session): Place {
    return { window: new TimeWindow(start, end), contentsId, windowId, stateId: this.#isMerging ? undefined : windowId };
  }

  #keep(set: SessionSet): void {
    if (set.sessions.length === 0) this.#state.clear();
    else this.#state.update(set);
  }
}
