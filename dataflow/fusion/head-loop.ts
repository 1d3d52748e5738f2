/**
 * The loop that takes records from a batch into a chain, in code of its own (DC2).
 *
 * HL1  Whether the chain may take another record is looked up before each one; the answer is how far it came.
 */
import type { OutputPressure } from '../channels/channel-owner.js';
import type { RecordBatch } from '../channels/elements.js';
import { noTimestamp, type Emit } from '../contracts.js';
import type { Parking } from '../task/parking.js';
import { compile } from './dynamic-code.js';

/** Records `from` up to `to` of a batch, as far as the outputs have room; the index of the first one not taken. */
export type HeadLoop = (batch: RecordBatch, from: number, to: number) => number;

export interface HeadLoopOptions {
  readonly head: Emit<unknown>;
  readonly pressure: OutputPressure;
  readonly parking: Parking;
}

export function createHeadLoop({ head, pressure, parking }: HeadLoopOptions): HeadLoop {
  const compiled = compile<HeadLoop>(
    'head loop',
    { head, pressure, parking, noTimestamp },
    `return function take(batch, from, to) {
  const values = batch.values;
  const timestamps = batch.timestamps;
  const keyHashes = batch.keyHashes;
  let index = from;
  while (index < to && pressure.fullChannels === 0 && parking.lowestIndex < 0) {
    const at = index;
    index += 1;
    head(values[at], timestamps === undefined ? noTimestamp : timestamps[at], keyHashes === undefined ? undefined : keyHashes[at]);
  }
  return index;
};`,
  );
  return (
    compiled ??
    (({ values, timestamps, keyHashes }, from, to) => {
      let index = from;
      while (index < to && pressure.fullChannels === 0 && parking.lowestIndex < 0) {
        const at = index;
        index += 1;
        head(values[at], timestamps === undefined ? noTimestamp : (timestamps[at] as number), keyHashes?.[at]);
      }
      return index;
    })
  );
}
