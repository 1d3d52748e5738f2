import type { Key } from '../../core/keys.js';
import { CountEvictor } from '../../dataflow/windows/evictors/count-evictor.js';
import { CountTrigger } from '../../dataflow/windows/triggers/count-trigger.js';
import { PurgingTrigger } from '../../dataflow/windows/triggers/purging-trigger.js';
import type { GlobalWindow } from '../../dataflow/windows/window.js';
import type { WindowedStream } from './windowed-stream.js';

/** Windows by the number of records, made of one window with everything. */
export function countWindow<K extends Key, T>(
  everything: WindowedStream<K, T, GlobalWindow>,
  size: number,
  slide: number | undefined,
): WindowedStream<K, T, GlobalWindow> {
  if (slide === undefined) return everything.trigger(PurgingTrigger.of(CountTrigger.of(size)));
  return everything.evictor(CountEvictor.of(size)).trigger(CountTrigger.of(slide));
}
