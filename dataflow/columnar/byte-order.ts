/** Typed arrays are copied as they lie in memory where that is the order of the frame. */
export const isLittleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
