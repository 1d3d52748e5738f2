/** Hands out splits as the JobManager's source coordinators do, for the task harness. */
import { AlignmentGroups } from '../actors/scheduler/alignment-groups.js';
import { decode } from '../bus/codec/cbor.js';
import type { OperatorId } from '../core/ids.js';
import type { Split } from '../dataflow/contracts.js';
import { splitsOwned } from '../dataflow/task/source-state.js';
import type { SplitTimeReply, SplitTimeReport } from '../dataflow/task-runtime.js';
import type { TaskSnapshot } from '../storage/contracts.js';

/** The splits of each source that were found. */
export type HarnessSplitLists = ReadonlyMap<OperatorId, readonly Split[]>;

interface HarnessSource {
  /** Undefined until a subtask enumerated them. */
  splits: readonly Split[] | undefined;
  unassigned: Split[];
  /** Split → the subtask that has it. */
  owned: Map<string, number>;
  readonly waiting: { readonly subtask: number; readonly answer: (split: Split | undefined) => void }[];
}

export class HarnessSplits {
  readonly #sources = new Map<OperatorId, HarnessSource>();
  #alignment = new AlignmentGroups();

  isEnumerated(operator: OperatorId): boolean {
    return this.#sources.get(operator)?.splits !== undefined;
  }

  lists(): HarnessSplitLists {
    const found = [...this.#sources].flatMap(([id, { splits }]) => (splits === undefined ? [] : [[id, splits] as const]));
    return new Map(found);
  }

  /** Everything starts again: what no restored reader owns is to be handed out; without a checkpoint all is found anew. */
  reset(restored: readonly TaskSnapshot[], known: HarnessSplitLists | undefined): void {
    this.#alignment = new AlignmentGroups();
    for (const id of known?.keys() ?? []) this.#sourceOf(id);
    for (const [id, source] of this.#sources) {
      source.waiting.length = 0;
      source.splits = known?.get(id);
      source.owned = new Map(ownedSplits(restored, id));
      source.unassigned = (source.splits ?? []).filter((split) => !source.owned.has(split.id));
    }
  }

  enumerated(operator: OperatorId, splits: readonly Split[], isOpen: boolean): void {
    const source = this.#sourceOf(operator);
    const known = source.splits ?? [];
    const found = splits.filter(({ id }) => !known.some((split) => split.id === id));
    source.splits = [...known, ...found];
    source.unassigned.push(...found.filter(({ id }) => !source.owned.has(id)));
    const asking = isOpen ? source.waiting.splice(0, source.unassigned.length) : source.waiting.splice(0);
    for (const { subtask, answer } of asking) answer(take(source, subtask));
  }

  /** The next split, once they are known; undefined: no more, which an open source never says. */
  request(operator: OperatorId, subtask: number, isOpen: boolean): Promise<Split | undefined> {
    const source = this.#sourceOf(operator);
    if (source.splits !== undefined && (!isOpen || source.unassigned.length > 0)) return Promise.resolve(take(source, subtask));
    return new Promise((answer) => source.waiting.push({ subtask, answer }));
  }

  /** As the source coordinator answers. */
  timeOf(operator: OperatorId, subtask: number, alignment?: SplitTimeReport): SplitTimeReply {
    const readUpTo = alignment && this.#alignment.report({ operatorId: operator, subtaskIndex: subtask }, alignment);
    return { ...this.#holdOf(operator, subtask), ...(readUpTo === undefined ? {} : { readUpTo }) };
  }

  #holdOf(operator: OperatorId, subtask: number): SplitTimeReply {
    const { splits, unassigned, owned } = this.#sourceOf(operator);
    const own = [...owned.values()].filter((owner) => owner === subtask).length;
    if (splits === undefined) return { holding: 1, owned: own };
    const whole = splits[0]?.orderedIn;
    const isOneWhole = whole !== undefined && splits.every(({ orderedIn }) => orderedIn === whole);
    return { holding: isOneWhole ? 0 : unassigned.length, owned: own };
  }

  #sourceOf(operator: OperatorId): HarnessSource {
    let source = this.#sources.get(operator);
    if (source === undefined) {
      source = { splits: undefined, unassigned: [], owned: new Map(), waiting: [] };
      this.#sources.set(operator, source);
    }
    return source;
  }
}

function take(source: HarnessSource, subtask: number): Split | undefined {
  const split = source.unassigned.shift();
  if (split !== undefined) source.owned.set(split.id, subtask);
  return split;
}

function ownedSplits(tasks: readonly TaskSnapshot[], operator: OperatorId): readonly (readonly [string, number])[] {
  return tasks.flatMap((task) =>
    task.operators.flatMap(({ operatorId, operatorState }) =>
      operatorId === operator && operatorState !== null
        ? splitsOwned(decode(operatorState)).map((id) => [id, task.subtaskIndex] as const)
        : [],
    ),
  );
}
