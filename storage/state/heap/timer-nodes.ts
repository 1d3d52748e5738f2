/**
 * The timers of a queue as rows of integers, found by the entry and the time they are of.
 *
 * TN1  A timer of an entry is found among the timers of that entry alone: by going through them while they are few, in a Map
 *      once there were more than `chainedMax` (until the last of them is gone).
 * TN2  The number of a timer that left is given to a later one; numbers are below `end`.
 * TN3  Rows lie in pages: growing copies no more than one page.
 */
import { IntegerColumn, pageBits, pageLength } from './paged-column.js';

/** Columns of a row. The bucket stands for the time. */
export const timerFields = { entry: 0, bucket: 1, version: 2, before: 3, after: 4, nextOfEntry: 5 } as const;

type TimerField = (typeof timerFields)[keyof typeof timerFields];

/** A power of two, so that a row lies in one line of the cache. */
const rowBits = 3;
const pageMask = pageLength - 1;
const firstPageLength = 16;
/** As many are compared faster than a Map is asked. */
const chainedMax = 16;

/** Stands for a timer, or an entry, where there is none. */
export const noTimer = -1;

/** In `heads`: the timers of the entry are in `crowds`. */
const crowded = -1;

export class TimerNodes {
  private readonly pages: Int32Array[] = [];
  /** By entry: the number of its latest timer plus one, 0 for none, or {@link crowded}. */
  private readonly heads = new IntegerColumn();
  private headsEnd = 0;
  /** By entry: its timers by bucket (TN1). */
  private readonly crowds = new Map<number, Map<number, number>>();
  private firstFree = noTimer;
  private heldCount = 0;
  /** One more than the highest number given so far. */
  end = 0;

  get(timer: number, field: TimerField): number {
    return (this.pages[timer >>> pageBits] as Int32Array)[((timer & pageMask) << rowBits) + field] as number;
  }

  set(timer: number, field: TimerField, value: number): void {
    (this.pages[timer >>> pageBits] as Int32Array)[((timer & pageMask) << rowBits) + field] = value;
  }

  /** The timer of an entry in a bucket; {@link noTimer} when there is none. */
  find(entry: number, bucket: number): number {
    if (entry >= this.headsEnd) return noTimer;
    const head = this.heads.get(entry);
    if (head === crowded) return this.crowds.get(entry)?.get(bucket) ?? noTimer;
    let timer = head - 1;
    while (timer >= 0 && this.get(timer, timerFields.bucket) !== bucket) timer = this.get(timer, timerFields.nextOfEntry);
    return timer;
  }

  /** A new timer for an entry that has none in the bucket, behind the timer `before`. */
  add(entry: number, bucket: number, version: number, before: number): number {
    const timer = this.takeNumber();
    if (entry >= this.headsEnd) {
      this.heads.reach(entry);
      this.headsEnd = entry + 1;
    }
    const head = this.heads.get(entry);
    // The page is looked up once for all fields of the row.
    const page = this.pages[timer >>> pageBits] as Int32Array;
    const row = (timer & pageMask) << rowBits;
    page[row + timerFields.entry] = entry;
    page[row + timerFields.bucket] = bucket;
    page[row + timerFields.version] = version;
    page[row + timerFields.before] = before;
    page[row + timerFields.after] = noTimer;
    page[row + timerFields.nextOfEntry] = head - 1;
    this.heldCount += 1;
    if (head === crowded) this.crowds.get(entry)?.set(bucket, timer);
    else {
      this.heads.set(entry, timer + 1);
      if (head > 0) this.crowdIfMany(entry);
    }
    return timer;
  }

  /** Removes a timer that its bucket has let go. */
  remove(timer: number): void {
    const page = this.pages[timer >>> pageBits] as Int32Array;
    const row = (timer & pageMask) << rowBits;
    const entry = page[row + timerFields.entry] as number;
    const head = this.heads.get(entry);
    if (head === timer + 1) this.heads.set(entry, (page[row + timerFields.nextOfEntry] as number) + 1);
    else if (head === crowded) this.leaveCrowd(entry, page[row + timerFields.bucket] as number);
    else this.leaveChain(head - 1, timer);
    page[row + timerFields.entry] = noTimer;
    page[row + timerFields.after] = this.firstFree;
    this.firstFree = timer;
    this.heldCount -= 1;
    if (this.heldCount === 0 && this.end > pageLength) this.clear();
  }

  clear(): void {
    this.pages.length = 0;
    this.heads.clear();
    this.headsEnd = 0;
    this.crowds.clear();
    this.firstFree = noTimer;
    this.heldCount = 0;
    this.end = 0;
  }

  /** Of a timer that is not the latest of its entry. */
  private leaveChain(latest: number, timer: number): void {
    let later = latest;
    while (this.get(later, timerFields.nextOfEntry) !== timer) later = this.get(later, timerFields.nextOfEntry);
    this.set(later, timerFields.nextOfEntry, this.get(timer, timerFields.nextOfEntry));
  }

  private leaveCrowd(entry: number, bucket: number): void {
    const crowd = this.crowds.get(entry) as Map<number, number>;
    crowd.delete(bucket);
    if (crowd.size > 0) return;
    this.crowds.delete(entry);
    this.heads.set(entry, 0);
  }

  private crowdIfMany(entry: number): void {
    const { nextOfEntry, bucket } = timerFields;
    const first = this.heads.get(entry) - 1;
    let count = 0;
    for (let timer = first; timer >= 0; timer = this.get(timer, nextOfEntry)) count += 1;
    if (count <= chainedMax) return;
    const crowd = new Map<number, number>();
    for (let timer = first; timer >= 0; timer = this.get(timer, nextOfEntry)) crowd.set(this.get(timer, bucket), timer);
    this.crowds.set(entry, crowd);
    this.heads.set(entry, crowded);
  }

  private takeNumber(): number {
    const free = this.firstFree;
    if (free >= 0) {
      this.firstFree = this.get(free, timerFields.after);
      return free;
    }
    const timer = this.end;
    this.end = timer + 1;
    const page = timer >>> pageBits;
    const known = this.pages[page];
    const length = (known?.length ?? 0) >> rowBits;
    if ((timer & pageMask) >= length) {
      const grown = new Int32Array((page > 0 ? pageLength : Math.max(firstPageLength, 2 * length)) << rowBits);
      if (known !== undefined) grown.set(known);
      this.pages[page] = grown;
    }
    return timer;
  }
}
