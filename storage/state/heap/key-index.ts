/**
 * Finds the entry of a key: a hash table with open addressing over entries that live in columns.
 *
 * KI1  A slot is two integers, the hash of a key and the number of its entry; the key itself is only compared where the
 *      hashes are equal. Nothing is hashed here.
 * KI2  A slot is chosen by the upper bits of the hash times an odd constant: the lower bits choose the key group, and all
 *      keys of a subtask may share them.
 * KI3  At most three quarters of the slots are taken; at less than an eighth the table becomes smaller.
 * KI4  It changes its size little by little: each insertion and removal, and each look-up that had to go to the former
 *      table, moves `slotsPerStep` slots. Moving ends long before the next change of size, so that there are two tables at
 *      most, and a key is in one of them.
 * KI5  Where entries belong to a key and a namespace, both are compared, and the hash is mixed of both
 *      ({@link hashIn}): finding one is a single probe, too.
 * KI6  A flat tuple is compared part by part with the key as it was given, so that finding one makes no text of it.
 */
import { assert } from '../../../core/errors.js';
import { isSameTuple } from '../../../core/flat-tuples.js';
import type { CanonicalKey } from '../../../core/keys.js';
import type { NumberColumn, ValueColumn } from './paged-column.js';

/** Of the golden ratio: neighbouring numbers end up far from each other (Knuth's multiplicative hashing). */
const spread = 0x9e37_79b1;
const bitsMin = 4;
/** A table has 2³⁰ integers at most: 400 million keys. */
const bitsMax = 29;
const slotsPerStep = 16;
/** In a former table: what was here has moved or left, what lies behind may still be here. */
const gone = -1;

/** A flat tuple, and the keys as they were given by entry (KI6). */
interface Given {
  readonly tuple: Parameters<typeof isSameTuple>[0];
  readonly keys: ValueColumn;
}

/** Slots as pairs of hash and number of the entry plus one; 0: free. */
interface Slots {
  readonly pairs: Int32Array;
  readonly mask: number;
  readonly shift: number;
}

function makeSlots(bits: number): Slots {
  assert(bits <= bitsMax, 'A subtask keeps more keys than a table can hold.');
  return { pairs: new Int32Array(2 * 2 ** bits), mask: 2 ** bits - 1, shift: 32 - bits };
}

/** The hash of a key in a namespace, any number: 32 bits, signed (KI5). */
export function hashIn(keyHash: number, namespace: number): number {
  let hash = Math.imul(keyHash ^ namespace, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ (namespace / 0x1_0000_0000), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

export class KeyIndex implements Slots {
  /** Canonical keys by entry. */
  private readonly keys: ValueColumn;
  /** Namespaces by entry, where there are any. */
  private readonly namespaces: NumberColumn | undefined;
  pairs!: Int32Array;
  mask!: number;
  shift!: number;
  private former: Slots | undefined;
  /** Slots of the former table that were moved. */
  private moved = 0;
  private count = 0;

  constructor(keys: ValueColumn, namespaces?: NumberColumn) {
    this.keys = keys;
    this.namespaces = namespaces;
    this.use(makeSlots(bitsMin));
  }

  /** The entry of a key; -1 when there is none. */
  find(hash: number, key: CanonicalKey): number {
    const { pairs, mask, keys } = this;
    for (let slot = Math.imul(hash, spread) >>> this.shift; ; slot = (slot + 1) & mask) {
      const stored = pairs[2 * slot + 1] as number;
      if (stored === 0) return this.former === undefined ? -1 : this.findFormer(hash, key, 0);
      if (pairs[2 * slot] === hash) {
        const known = keys.get(stored - 1);
        if (known === key || (key !== key && known !== known)) return stored - 1;
      }
    }
  }

  /** The entry of a key in a namespace, of the hash that {@link hashIn} gives; -1 when there is none (KI5). */
  findIn(hash: number, key: CanonicalKey, namespace: number): number {
    const { pairs, mask, keys } = this;
    const namespaces = this.namespaces as NumberColumn;
    for (let slot = Math.imul(hash, spread) >>> this.shift; ; slot = (slot + 1) & mask) {
      const stored = pairs[2 * slot + 1] as number;
      if (stored === 0) return this.former === undefined ? -1 : this.findFormer(hash, key, namespace);
      if (pairs[2 * slot] === hash && namespaces.get(stored - 1) === namespace) {
        const known = keys.get(stored - 1);
        if (known === key || (key !== key && known !== known)) return stored - 1;
      }
    }
  }

  /** The entry of a flat tuple; -1 when there is none (KI6). `given`: keys as they were given, by entry. */
  findTuple(hash: number, tuple: Given['tuple'], given: ValueColumn): number {
    const { pairs, mask } = this;
    for (let slot = Math.imul(hash, spread) >>> this.shift; ; slot = (slot + 1) & mask) {
      const stored = pairs[2 * slot + 1] as number;
      if (stored === 0) return this.former === undefined ? -1 : this.findFormer(hash, null, 0, { tuple, keys: given });
      if (pairs[2 * slot] === hash && isSameTuple(tuple, given.get(stored - 1))) return stored - 1;
    }
  }

  /** Adds an entry whose key is in no other. */
  insert(hash: number, entry: number): void {
    this.count += 1;
    if (4 * this.count > 3 * (this.mask + 1)) this.resize(1);
    this.place(hash, entry + 1);
    if (this.former !== undefined) this.move();
  }

  /** Removes an entry that is there. */
  remove(hash: number, entry: number): void {
    this.count -= 1;
    const { former } = this;
    const slot = slotOf(this, hash, entry + 1);
    if (slot >= 0) this.close(slot);
    else {
      assert(former !== undefined, 'An entry left the index of keys that was not in it.');
      const formerSlot = slotOf(former, hash, entry + 1);
      assert(formerSlot >= 0, 'An entry left the index of keys that was not in it.');
      former.pairs[2 * formerSlot + 1] = gone;
    }
    if (8 * this.count < this.mask + 1 && this.shift < 32 - bitsMin) this.resize(-1);
    if (this.former !== undefined) this.move();
  }

  clear(): void {
    this.former = undefined;
    this.count = 0;
    this.use(makeSlots(bitsMin));
  }

  private findFormer(hash: number, key: CanonicalKey, namespace: number, given?: Given): number {
    const { pairs, mask, shift } = this.former as Slots;
    let found = -1;
    for (let slot = Math.imul(hash, spread) >>> shift; found < 0; slot = (slot + 1) & mask) {
      const stored = pairs[2 * slot + 1] as number;
      if (stored === 0) break;
      if (stored === gone || pairs[2 * slot] !== hash) continue;
      if (this.namespaces !== undefined && this.namespaces.get(stored - 1) !== namespace) continue;
      if (given === undefined ? this.isKeyOf(stored - 1, key) : isSameTuple(given.tuple, given.keys.get(stored - 1))) found = stored - 1;
    }
    this.move();
    return found;
  }

  private isKeyOf(entry: number, key: CanonicalKey): boolean {
    const known = this.keys.get(entry);
    return known === key || (key !== key && known !== known);
  }

  private place(hash: number, stored: number): void {
    const { pairs, mask } = this;
    let slot = Math.imul(hash, spread) >>> this.shift;
    while (pairs[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
    pairs[2 * slot] = hash;
    pairs[2 * slot + 1] = stored;
  }

  /** Frees a slot; what was pushed past it moves back, so that no look-up stops too early. */
  private close(slot: number): void {
    const { pairs, mask, shift } = this;
    let hole = slot;
    for (let at = (slot + 1) & mask; pairs[2 * at + 1] !== 0; at = (at + 1) & mask) {
      const home = Math.imul(pairs[2 * at] as number, spread) >>> shift;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      pairs[2 * hole] = pairs[2 * at] as number;
      pairs[2 * hole + 1] = pairs[2 * at + 1] as number;
      hole = at;
    }
    pairs[2 * hole + 1] = 0;
  }

  /** Twice or half as many slots. */
  private resize(moreBits: 1 | -1): void {
    while (this.former !== undefined) this.move();
    this.former = { pairs: this.pairs, mask: this.mask, shift: this.shift };
    this.moved = 0;
    this.use(makeSlots(32 - this.shift + moreBits));
  }

  /** In the order of the slots, so that both tables are gone through from front to back. */
  private move(): void {
    const { pairs, mask } = this.former as Slots;
    const end = Math.min(mask + 1, this.moved + slotsPerStep);
    for (let slot = this.moved; slot < end; slot += 1) {
      const stored = pairs[2 * slot + 1] as number;
      // A free slot stays free: it is where look-ups stop.
      if (stored === 0) continue;
      if (stored !== gone) this.place(pairs[2 * slot] as number, stored);
      pairs[2 * slot + 1] = gone;
    }
    this.moved = end;
    if (end > mask) this.former = undefined;
  }

  private use({ pairs, mask, shift }: Slots): void {
    this.pairs = pairs;
    this.mask = mask;
    this.shift = shift;
  }
}

/** Where an entry is in a table; -1 when it is not. */
function slotOf(index: Slots, hash: number, stored: number): number {
  const { pairs, mask, shift } = index;
  for (let slot = Math.imul(hash, spread) >>> shift; ; slot = (slot + 1) & mask) {
    const found = pairs[2 * slot + 1] as number;
    if (found === stored) return slot;
    if (found === 0) return -1;
  }
}
