/**
 * A count that compiled code adds to.
 *
 * RC1  It lies outside the heap: an array of up to 64 bytes would lie in it, and its address be looked up for every record.
 */
export type RecordCount = Float64Array;

const bytesOutsideMin = 128;

/** At 0, the count. */
export const createRecordCount = (): RecordCount => new Float64Array(bytesOutsideMin / Float64Array.BYTES_PER_ELEMENT);
