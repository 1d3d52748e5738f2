/**
 * One linear pass over CBOR bytes before they are decoded: says whether decoding them is safe and cheap.
 *
 * S1  Accepts exactly one well-formed item with nothing after it; every length is covered by bytes that are there.
 * S2  Depth, the size of bignums and the work of decoding are bounded; the scan itself is linear and allocates nothing.
 * S3  Only tags that the codec writes are accepted, each with the content it writes: dates, bignums, sets, maps, typed
 *     arrays, errors and regular expressions. Everything else a decoder may know (records, references, packing) is not.
 * S4  Never throws, whatever the bytes.
 */

export interface ScanLimits {
  /** Nesting of arrays and maps. */
  readonly depthMax: number;
  /** Bytes of one bignum. */
  readonly bignumBytesMax: number;
  /** Work of decoding: about 20 ns a unit. */
  readonly workMax: number;
}

/** Rough cost of decoding, in units of about 20 ns; measured by tests/bus/hostile-bytes.test.ts. */
const work = {
  item: 1,
  container: 4,
  /** An entry of a map too large to stay a fast object, and an element of a set: they are hashed. */
  hashedEntry: 20,
  fastEntriesMax: 32,
  shortTextPerByte: 0.25,
  /** Text that is long enough to go through a TextDecoder. */
  longText: 20,
  bytes: 16,
  tagged: 16,
  /** Creating an error captures a stack. */
  error: 600,
  /** A bignum costs its length squared, in bytes, over this. */
  bignumSquareDivisor: 64,
} as const;

const depthLimit = 256;
/** Items still to come per container around the current one; negative for those that end with a break. */
const outer = new Float64Array(depthLimit + 1);
const untilBreak = -1;
const keyOrBreak = -2;
const valueOfOpenMap = -3;

const elementBytesOfTag: Readonly<Record<number, number>> = {
  64: 1,
  68: 1,
  72: 1,
  65: 2,
  69: 2,
  73: 2,
  77: 2,
  66: 4,
  70: 4,
  74: 4,
  78: 4,
  81: 4,
  85: 4,
  67: 8,
  71: 8,
  75: 8,
  79: 8,
  82: 8,
  86: 8,
};

/** Undefined when the bytes may be decoded, else why not, naming the offset. */
export function scanCbor(bytes: Uint8Array, limits: ScanLimits): string | undefined {
  const end = bytes.length;
  const depthMax = Math.min(limits.depthMax, depthLimit);
  let position = 0;
  let depth = 0;
  let spent = 0;
  /** As in `outer`, for the container being scanned. */
  let left = 1;

  for (;;) {
    while (left === 0) {
      if (depth === 0) return position === end ? undefined : `${end - position} bytes after the end of the item`;
      depth -= 1;
      left = outer[depth] as number;
    }
    if (position >= end) return 'truncated';
    const start = position;
    const initial = bytes[position++] as number;
    const major = initial >> 5;
    const info = initial & 0x1f;

    if (initial === 0xff) {
      if (left !== untilBreak && left !== keyOrBreak) return `unexpected break at ${start}`;
      depth -= 1;
      left = outer[depth] as number;
      continue;
    }

    let argument = info;
    if (info > 23) {
      if (info === 31) {
        if (major !== 4 && major !== 5) return `indefinite length of major type ${major} at ${start}`;
      } else if (info > 27) {
        return `reserved additional information ${info} at ${start}`;
      } else {
        const argumentEnd = position + (1 << (info - 24));
        if (argumentEnd > end) return 'truncated';
        argument = 0;
        while (position < argumentEnd) argument = argument * 256 + (bytes[position++] as number);
      }
    }

    if (major === 6) {
      const fault = faultOfTag(bytes, position, argument, limits);
      if (fault !== undefined) return `${fault} at ${start}`;
      spent += workOfTag(bytes, position, argument);
      continue;
    }

    if (left > 0) left -= 1;
    else if (left === keyOrBreak) {
      left = valueOfOpenMap;
      spent += work.hashedEntry;
    } else if (left === valueOfOpenMap) left = keyOrBreak;
    spent += work.item;

    switch (major) {
      case 2:
      case 3:
        if (argument > end - position) return `length ${argument} beyond the end at ${start}`;
        position += argument;
        spent += major === 2 ? work.bytes : argument > 64 ? work.longText : argument * work.shortTextPerByte;
        break;
      case 4:
      case 5: {
        const items = major === 5 ? argument * 2 : argument;
        if (info !== 31 && items > end - position) return `length ${argument} beyond the end at ${start}`;
        if (depth === depthMax) return `deeper than ${depthMax} at ${start}`;
        outer[depth] = left;
        depth += 1;
        left = info !== 31 ? items : major === 4 ? untilBreak : keyOrBreak;
        spent += work.container;
        if (major === 5 && info !== 31 && argument > work.fastEntriesMax) spent += argument * work.hashedEntry;
        break;
      }
      case 7:
        if (info < 20 || info === 24) return `unassigned simple value at ${start}`;
        break;
      default:
    }
    if (spent > limits.workMax) return 'too many items to decode';
  }
}

/** Why the content at `position` does not fit the tag before it. */
function faultOfTag(bytes: Uint8Array, position: number, tag: number, limits: ScanLimits): string | undefined {
  const next = bytes[position];
  if (next === undefined) return 'truncated tag';
  const major = next >> 5;
  if (tag === 1) return major === 0 || major === 1 || (major === 7 && (next & 0x1f) >= 25) ? undefined : 'date that is no number';
  if (tag === 2 || tag === 3) {
    if (major !== 2) return 'bignum that is no byte string';
    return lengthAt(bytes, position) <= limits.bignumBytesMax ? undefined : `bignum over ${limits.bignumBytesMax} bytes`;
  }
  // A set of open length would escape the sum of its work; the codec writes none.
  if (tag === 258) return major === 4 && (next & 0x1f) !== 31 ? undefined : 'set that is no array of known length';
  if (tag === 259) return major === 5 ? undefined : 'map that is none';
  if (tag === 27) return isGenericObject(bytes, position) ? undefined : 'object of a class that is not accepted';
  const elementBytes = elementBytesOfTag[tag];
  if (elementBytes === undefined) return `tag ${tag} is not accepted`;
  if (major !== 2) return 'typed array that is no byte string';
  return lengthAt(bytes, position) % elementBytes === 0 ? undefined : 'typed array of a broken length';
}

function workOfTag(bytes: Uint8Array, position: number, tag: number): number {
  if (tag === 2 || tag === 3) return work.tagged + lengthAt(bytes, position) ** 2 / work.bignumSquareDivisor;
  if (tag === 258) return work.tagged + lengthAt(bytes, position) * work.hashedEntry;
  return tag === 27 ? work.error : work.tagged;
}

/** Length in the head of the string or array at `position`; infinite when the head is broken, so that every bound refuses it. */
function lengthAt(bytes: Uint8Array, position: number): number {
  const info = (bytes[position] as number) & 0x1f;
  if (info <= 23) return info;
  if (info > 27) return Number.POSITIVE_INFINITY;
  let length = 0;
  for (let offset = 1; offset <= 1 << (info - 24); offset += 1) length = length * 256 + (bytes[position + offset] ?? 0xff);
  return length;
}

/** An array of two or three whose first item is a short capitalised name: `Error`, `TypeError`, `RegExp`. */
function isGenericObject(bytes: Uint8Array, position: number): boolean {
  const head = bytes[position];
  const nameHead = bytes[position + 1];
  const letter = bytes[position + 2];
  if ((head !== 0x82 && head !== 0x83) || nameHead === undefined || letter === undefined) return false;
  return nameHead > 0x60 && nameHead <= 0x77 && letter >= 0x41 && letter <= 0x5a;
}
