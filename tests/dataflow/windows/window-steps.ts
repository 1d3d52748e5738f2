/** What is done to a window operator, step by step, and what it gives: the rows of tables of behaviour. */
import * as assert from 'uvu/assert';
import { maxWatermark } from '../../../dataflow/contracts.js';
import type { Item, WindowRoom } from './window-room.js';

/** A record of key `a`; time that moves; or what must have come since the last look. */
export type Step =
  | readonly [add: number, at: number]
  | { readonly watermark: number }
  | { readonly clock: number }
  | { readonly gives: readonly string[] }
  | { readonly late: readonly number[] };

/** Takes the steps; with `restarts`, every one is followed by a restart from a snapshot. */
export async function takeSteps(room: WindowRoom, steps: readonly Step[], restarts: boolean): Promise<void> {
  let watermark: number | undefined;
  for (const step of steps) {
    if ('gives' in step) assert.equal(room.take(true), step.gives, `after ${JSON.stringify(steps.slice(0, steps.indexOf(step)))}`);
    else if ('late' in step) {
      assert.equal(
        room.late.splice(0).map((item) => (item as Item).n),
        step.late,
      );
    } else if ('watermark' in step) room.advance((watermark = step.watermark));
    else if ('clock' in step) room.tick(step.clock);
    else room.add('a', step[0], step[1]);
    if (!restarts) continue;
    await room.restart();
    if (watermark !== undefined) room.advance(watermark);
  }
}

/** All time passes: every window ends, and leaves nothing. */
export function assertNothingLeft(room: WindowRoom): void {
  room.advance(maxWatermark).tick(1e9);
  assert.is(room.stateSize, 0, 'nothing is left of windows that ended');
}
