/**
 * Unfinished work of the operators of one task, to be resumed when the outputs have room.
 *
 * PK1  The operator furthest down the chain resumes first, so that results never overtake each other.
 * PK2  An operator resumes only when nothing below it is parked.
 * PK3  While anything is parked the task takes no record, watermark, timer or barrier.
 * PK4  Work parked until a promise settles waits for it, and what is parked above it waits too.
 */

/** Returns whether the work is finished. */
export type Resume = () => boolean;

interface ParkedWork {
  readonly operatorIndex: number;
  readonly resume: Resume;
  isReady: boolean;
}

/** What settles work that waits for a promise. */
export interface ParkingOwner {
  wake(): void;
  fail(error: unknown): void;
}

/** The parked work of one task. */
export class Parking {
  /** Furthest down last; works of one operator in the order they were parked, the first one nearest to the end. */
  readonly #works: ParkedWork[] = [];
  /** Index of the operator furthest down that has parked work; -1 when none. Read before each record. */
  lowestIndex = -1;

  get isEmpty(): boolean {
    return this.#works.length === 0;
  }

  /** Whether the work that is next waits for its promise (PK4). */
  get isWaiting(): boolean {
    return this.#works.at(-1)?.isReady === false;
  }

  /** Parks work that must not resume before `until` resolves; the owner hears when it does, and when it rejects. */
  parkUntil(operatorIndex: number, resume: Resume, until: Promise<unknown>, owner: ParkingOwner): void {
    const work = this.#insert({ operatorIndex, resume, isReady: false });
    until.then(
      () => {
        work.isReady = true;
        owner.wake();
      },
      (error: unknown) => owner.fail(error),
    );
  }

  park(operatorIndex: number, resume: Resume): void {
    this.#insert({ operatorIndex, resume, isReady: true });
  }

  #insert(work: ParkedWork): ParkedWork {
    const { operatorIndex } = work;
    let at = this.#works.length;
    while (at > 0 && (this.#works[at - 1] as ParkedWork).operatorIndex >= operatorIndex) at -= 1;
    this.#works.splice(at, 0, work);
    this.#update();
    return work;
  }

  /** Resumes the work furthest down once (PK1). What it parks meanwhile, below itself, comes before it next time. */
  resumeOne(): void {
    const work = this.#works.pop();
    if (work === undefined) return;
    this.#update();
    if (work.resume()) return;
    let at = this.#works.length;
    while (at > 0 && (this.#works[at - 1] as ParkedWork).operatorIndex > work.operatorIndex) at -= 1;
    this.#works.splice(at, 0, work);
    this.#update();
  }

  clear(): void {
    this.#works.length = 0;
    this.#update();
  }

  #update(): void {
    this.lowestIndex = this.#works[this.#works.length - 1]?.operatorIndex ?? -1;
  }
}
