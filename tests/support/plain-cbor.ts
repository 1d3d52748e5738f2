/**
 * A reader of CBOR written from RFC 8949 alone, to check what Millrace writes against. Strict: no indefinite lengths, no
 * unknown simple values, UTF-8 must be valid, nothing may follow the item. Tags are kept as {@link Tagged}, maps as arrays
 * of pairs.
 */

export class Tagged {
  readonly tag: number;
  readonly content: unknown;

  constructor(tag: number, content: unknown) {
    this.tag = tag;
    this.content = content;
  }
}

export class Pairs {
  readonly entries: readonly (readonly [unknown, unknown])[];

  constructor(entries: readonly (readonly [unknown, unknown])[]) {
    this.entries = entries;
  }
}

/** The one item that the bytes are. Throws when they are not well-formed. */
export function readPlainCbor(bytes: Uint8Array): unknown {
  let at = 0;
  const take = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new Error(`truncated at ${at}`);
    at += count;
    return bytes.subarray(at - count, at);
  };
  const unsigned = (count: number): number => take(count).reduce((sum, byte) => sum * 256 + byte, 0);
  const float = (count: number): number => {
    const part = take(count);
    const view = new DataView(part.buffer, part.byteOffset, count);
    return count === 8 ? view.getFloat64(0) : view.getFloat32(0);
  };
  const item = (): unknown => {
    const initial = unsigned(1);
    const major = initial >> 5;
    const info = initial & 31;
    if (major === 7) {
      if (info === 20 || info === 21) return info === 21;
      if (info === 22) return null;
      if (info === 23) return undefined;
      if (info === 26 || info === 27) return float(info === 27 ? 8 : 4);
      throw new Error(`simple value ${info} at ${at - 1}`);
    }
    if (info > 27) throw new Error(`additional information ${info} at ${at - 1}`);
    const argument = info < 24 ? info : unsigned(1 << (info - 24));
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return take(argument).slice();
      case 3:
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(argument));
      case 4:
        return Array.from({ length: argument }, item);
      case 5:
        return new Pairs(Array.from({ length: argument }, () => [item(), item()] as const));
      default:
        return new Tagged(argument, item());
    }
  };
  const whole = item();
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes after the item`);
  return whole;
}
