/**
 * Hands out the splits of one source. It needs no user code: one subtask of the source enumerates, readers ask.
 *
 * SC1  No split is handed out before the list is complete, so a reader's state never names a split that a checkpoint's
 *      list lacks. The list, once complete, never changes in the life of the job, except that an open source adds to it;
 *      it enumerates again after every restart, so that what a reader's state names and the list lacks comes back.
 * SC2  Each split has at most one owner: the subtask that got it last, or whose restored state names it.
 * SC3  A subtask that restarts loses the splits it owns, except those its restored state names. Splits of subtasks that
 *      keep running stay where they are.
 * SC4  The same request number of the same attempt gets the same split again.
 * SC5  A split that nobody reads holds event time back, but not when all splits are parts of one ordered whole: those that
 *      are read come before it, and what holds time is the first of them.
 * SC6  Shares are even: each split goes to the subtask that has fewest, of those that may still ask; so every split is
 *      somebody's, though each subtask asks only until it has its share.
 */
import { MillraceError } from '../../core/errors.js';
import type { AttemptId, OperatorId } from '../../core/ids.js';
import type { MessageReply } from '../../bus/protocol/registry.js';
import type { Split } from '../../dataflow/contracts.js';
import type { SplitTimeReply } from '../../dataflow/task-runtime.js';
import type { SourceCoordinatorSnapshot } from '../../storage/contracts.js';
import { dealToLeastLoaded } from './least-loaded.js';

export type SplitReply = MessageReply<'source.request-split'>;

/** Part of the list, as one attempt enumerates it. */
export interface EnumeratedPart {
  readonly attemptId: AttemptId;
  readonly part: number;
  readonly isLast: boolean;
  /** Whether the source finds more while the job runs. */
  readonly isOpen?: boolean;
  readonly splits: readonly Split[];
}

/** How a subtask asks for a split. */
export interface SplitAsked {
  readonly attemptId: AttemptId;
  readonly subtaskIndex: number;
  readonly requestNumber: number;
  /** The next one of its even share (SC6). */
  readonly isShare?: boolean;
  /** Also after `no-more`. */
  readonly asksAgain?: boolean;
}

export interface SourceCoordinatorOptions {
  readonly operatorId: OperatorId;
  readonly operatorName: string;
  readonly parallelism: number;
}

interface LastAnswer {
  readonly attemptId: AttemptId;
  readonly requestNumber: number;
  readonly reply: SplitReply;
}

/** The subtask that enumerates. */
export const enumeratingSubtask = 0;

export class SourceCoordinator {
  readonly operatorId: OperatorId;
  readonly #operatorName: string;
  readonly #parallelism: number;
  #splits: readonly Split[] | undefined;
  /** What the present enumeration has sent so far. */
  #enumerating: { readonly attemptId: AttemptId; readonly parts: Split[][] } | undefined;
  readonly #owners = new Map<string, number>();
  #unassigned: Split[] = [];
  /** The unassigned ones by the subtask whose share they are (SC6); undefined: to be dealt out. */
  #shares: ReadonlyMap<number, Split[]> | undefined;
  /** Subtasks that ask no more. */
  readonly #done = new Set<number>();
  readonly #answers = new Map<number, LastAnswer>();

  constructor(options: SourceCoordinatorOptions) {
    this.operatorId = options.operatorId;
    this.#operatorName = options.operatorName;
    this.#parallelism = options.parallelism;
  }

  /** Whether the list is still to be made. */
  get needsEnumeration(): boolean {
    return this.#splits === undefined;
  }

  /** Splits nobody owns; undefined while the list is not complete. */
  get unassignedCount(): number | undefined {
    return this.#splits === undefined ? undefined : this.#unassigned.length;
  }

  /** Takes a part of the list; a part that was seen changes nothing, and once the list is complete only an open source adds to it. */
  enumerated({ attemptId, part, isLast, isOpen, splits }: EnumeratedPart): void {
    if (this.#splits !== undefined) {
      if (isOpen) this.#add(splits, this.#splits);
      return;
    }
    if (this.#enumerating?.attemptId !== attemptId) this.#enumerating = { attemptId, parts: [] };
    const { parts } = this.#enumerating;
    if (part < parts.length) return;
    if (part > parts.length) {
      throw new MillraceError('SPLITS_MISSING', `part ${part} of the splits came before part ${parts.length}`, {
        recovery: 'retry',
        where: this.#operatorName,
      });
    }
    parts.push([...splits]);
    if (isLast) this.#complete(parts.flat());
  }

  /** The next split for a subtask (SC2, SC4). */
  request({ attemptId, subtaskIndex, requestNumber, isShare = false, asksAgain = false }: SplitAsked): SplitReply {
    if (this.#splits === undefined) return { kind: 'wait' };
    const last = this.#answers.get(subtaskIndex);
    if (last?.attemptId === attemptId && last.requestNumber === requestNumber) return last.reply;
    if (last?.attemptId === attemptId && last.requestNumber > requestNumber) {
      throw new MillraceError('STALE_REQUEST', `request ${requestNumber} came after request ${last.requestNumber}`, {
        recovery: 'retry',
        where: this.#operatorName,
      });
    }
    const split = isShare ? this.#sharesOfAll().get(subtaskIndex)?.[0] : this.#unassigned[0];
    if (split !== undefined) this.#assign(split, subtaskIndex);
    else if (!asksAgain) this.#done.add(subtaskIndex);
    const reply: SplitReply = split === undefined ? { kind: 'no-more' } : { kind: 'split', split: { id: split.id, data: split.data } };
    this.#answers.set(subtaskIndex, { attemptId, requestNumber, reply });
    return reply;
  }

  /**
   * What holds the event time of a subtask back (SC5): splits without a reader, one while none is known; and the splits
   * that it owns, of which one may be on its way to it.
   */
  timeOf(subtaskIndex: number): SplitTimeReply {
    let owned = 0;
    for (const owner of this.#owners.values()) if (owner === subtaskIndex) owned += 1;
    const splits = this.#splits;
    if (splits === undefined) return { holding: 1, owned };
    const whole = splits[0]?.orderedIn;
    const isOneWhole = whole !== undefined && splits.every(({ orderedIn }) => orderedIn === whole);
    return { holding: isOneWhole ? 0 : this.#unassigned.length, owned };
  }

  /**
   * Subtasks are about to be deployed again (SC3). `owned` names the splits in the state each of them restores; `splits`
   * is the list of the checkpoint they restore from, used when no list is known yet; `finished` are those of them that are
   * at their end in it, and ask for nothing (SC6).
   */
  reset(options: {
    readonly subtasks: readonly number[];
    readonly owned: ReadonlyMap<number, readonly string[]>;
    readonly finished?: readonly number[];
    readonly splits: SourceCoordinatorSnapshot['splits'];
  }): void {
    const restarted = new Set(options.subtasks);
    for (const [splitId, owner] of [...this.#owners]) if (restarted.has(owner)) this.#owners.delete(splitId);
    for (const subtask of restarted) this.#done.delete(subtask);
    for (const subtask of options.finished ?? []) this.#done.add(subtask);
    for (const [subtask, splitIds] of options.owned) for (const splitId of splitIds) this.#owners.set(splitId, subtask);
    if (restarted.has(enumeratingSubtask)) this.#enumerating = undefined;
    if (this.#splits === undefined && options.splits !== null) {
      this.#splits = options.splits.map(({ split, ...rest }) => ({ ...rest, data: split }));
    }
    this.#collectUnassigned();
  }

  /** What a checkpoint keeps. */
  snapshot(): SourceCoordinatorSnapshot {
    return { operatorId: this.operatorId, splits: this.#splits?.map(({ data, ...rest }) => ({ ...rest, split: data })) ?? null };
  }

  /** Splits of a later round, by their ids: what is known, or stands in a reader's state, is not handed out again. */
  #add(found: readonly Split[], known: readonly Split[]): void {
    const ids = new Set(known.map(({ id }) => id));
    const added = found.filter(({ id }) => !ids.has(id));
    if (added.length === 0) return;
    this.#splits = [...known, ...added];
    this.#collectUnassigned();
  }

  #complete(splits: readonly Split[]): void {
    const ids = new Set<string>();
    for (const { id } of splits) {
      if (ids.has(id)) {
        throw new MillraceError('DUPLICATE_SPLIT', `the source enumerated the split ${JSON.stringify(id)} twice`, {
          domain: 'user',
          recovery: 'fail-job',
          where: this.#operatorName,
          hint: 'Give every split an id that is unique in its source.',
        });
      }
      ids.add(id);
    }
    this.#splits = splits;
    this.#enumerating = undefined;
    this.#collectUnassigned();
  }

  #collectUnassigned(): void {
    this.#unassigned = (this.#splits ?? []).filter(({ id }) => !this.#owners.has(id));
    this.#shares = undefined;
  }

  #assign(split: Split, subtaskIndex: number): void {
    this.#owners.set(split.id, subtaskIndex);
    if (this.#unassigned[0] === split) this.#unassigned.shift();
    else this.#unassigned = this.#unassigned.filter((other) => other !== split);
    const share = this.#shares?.get(subtaskIndex);
    if (share?.[0] === split) share.shift();
    else this.#shares = undefined;
  }

  /** SC6. */
  #sharesOfAll(): ReadonlyMap<number, Split[]> {
    if (this.#shares !== undefined) return this.#shares;
    const loads = new Map<number, number>();
    for (let subtask = 0; subtask < this.#parallelism; subtask += 1) if (!this.#done.has(subtask)) loads.set(subtask, 0);
    for (const owner of this.#owners.values()) {
      const load = loads.get(owner);
      if (load !== undefined) loads.set(owner, load + 1);
    }
    this.#shares = dealToLeastLoaded(this.#unassigned, loads);
    return this.#shares;
  }
}
