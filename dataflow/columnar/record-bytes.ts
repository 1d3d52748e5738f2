/** One record as bytes and back, for operators that keep records in their snapshots: whatever may travel may be kept. */
import { MillraceError } from '../../core/errors.js';
import { ByteSink } from './byte-sink.js';
import { CorruptItem, ItemReader } from './item-reader.js';
import { ItemFault, writeItem } from './item-writer.js';
import { recordNotEncodable } from './record-faults.js';

/** Throws `RECORD_NOT_ENCODABLE`, naming the operator and the place in the record. */
export function recordToBytes(record: unknown, operatorName: string): Uint8Array {
  const sink = new ByteSink();
  try {
    writeItem(sink, record);
  } catch (error) {
    if (error instanceof ItemFault) throw recordNotEncodable(record, operatorName);
    throw error;
  }
  return new Uint8Array(sink.bytes.subarray(0, sink.position));
}

/** What {@link recordToBytes} wrote. Throws `STATE_UNREADABLE` for other bytes. */
export function recordFromBytes(bytes: Uint8Array, operatorName: string): unknown {
  try {
    return new ItemReader(bytes).item();
  } catch (error) {
    if (!(error instanceof CorruptItem)) throw error;
    throw new MillraceError('STATE_UNREADABLE', `A record in the state cannot be read: ${error.message}.`, {
      domain: 'external',
      recovery: 'fail-job',
      where: operatorName,
      hint: 'The checkpoint is damaged, or was written by another version.',
    });
  }
}
