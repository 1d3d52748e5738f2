/** Hands out splits as the JobManager's source coordinators do, for the task harness. */
import { decode } from '../bus/codec/cbor.js';
import type { OperatorId } from '../core/ids.js';
import type { Split } from '../dataflow/contracts.js';
import { splitsOwned } from '../dataflow/task/source-state.js';
import type { TaskSnapshot } from '../storage/contracts.js';

/** The splits of each source that were found. */
export type HarnessSplitLists = ReadonlyMap<OperatorId, readonly Split[]>;

interface HarnessSource {
  /** Undefined until a subtask enumerated them. */
  splits: readonly Split[] | undefined;
  unassigned: Split[];
  /** What restored readers own. */
  owned: ReadonlySet<string>;
  readonly waiting: ((split: Split | undefined) => void)[];
}

export class HarnessSplits {
  readonly #sources = new Map<OperatorId, HarnessSource>();

  isEnumerated(operator: OperatorId): boolean {
    return this.#sources.get(operator)?.splits !== undefined;
  }

  lists(): HarnessSplitLists {
    const found = [...this.#sources].flatMap(([id, { splits }]) => (splits === undefined ? [] : [[id, splits] as const]));
    return new Map(found);
  }

  /** Everything starts again: what no restored reader owns is to be handed out; without a checkpoint all is found anew. */
  reset(restored: readonly TaskSnapshot[], known: HarnessSplitLists | undefined): void {
    for (const id of known?.keys() ?? []) this.#sourceOf(id);
    for (const [id, source] of this.#sources) {
      source.waiting.length = 0;
      source.splits = known?.get(id);
      source.owned = new Set(ownedSplits(restored, id));
      source.unassigned = (source.splits ?? []).filter((split) => !source.owned.has(split.id));
    }
  }

  enumerated(operator: OperatorId, splits: readonly Split[], isOpen: boolean): void {
    const source = this.#sourceOf(operator);
    const known = source.splits ?? [];
    const found = splits.filter(({ id }) => !known.some((split) => split.id === id));
    source.splits = [...known, ...found];
    source.unassigned.push(...found.filter(({ id }) => !source.owned.has(id)));
    if (isOpen) while (source.unassigned.length > 0 && source.waiting.length > 0) source.waiting.shift()?.(source.unassigned.shift());
    else for (const answer of source.waiting.splice(0)) answer(source.unassigned.shift());
  }

  /** The next split, once they are known; undefined: no more, which an open source never says. */
  request(operator: OperatorId, isOpen: boolean): Promise<Split | undefined> {
    const source = this.#sourceOf(operator);
    if (source.splits !== undefined && (!isOpen || source.unassigned.length > 0)) return Promise.resolve(source.unassigned.shift());
    return new Promise((resolve) => source.waiting.push(resolve));
  }

  #sourceOf(operator: OperatorId): HarnessSource {
    let source = this.#sources.get(operator);
    if (source === undefined) {
      source = { splits: undefined, unassigned: [], owned: new Set(), waiting: [] };
      this.#sources.set(operator, source);
    }
    return source;
  }
}

function ownedSplits(tasks: readonly TaskSnapshot[], operator: OperatorId): readonly string[] {
  return tasks.flatMap((task) =>
    task.operators.flatMap(({ operatorId, operatorState }) =>
      operatorId === operator && operatorState !== null ? splitsOwned(decode(operatorState)) : [],
    ),
  );
}
