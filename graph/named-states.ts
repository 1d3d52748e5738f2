/** Deals out the named operator states of the former subtasks of a vertex (SA4). */
import type { OperatorId } from '../core/ids.js';
import type { FormerOperator, FormerTask, KeyedHandle, NamedState } from './former-state.js';
import type { JobVertex } from './types.js';

/** The former subtasks that have a state, in order, with how many items those before them have. */
interface Holders {
  readonly subtasks: number[];
  readonly itemsBefore: Map<number, number>;
  itemCount: number;
}

export interface ShareOptions {
  readonly operator: FormerOperator<KeyedHandle>;
  readonly formerSubtask: number;
  readonly formerParallelism: number | undefined;
  /** The new one. */
  readonly subtask: number;
}

/** The named operator states of one vertex. */
export class NamedStates {
  readonly #parallelism: number;
  readonly #holders = new Map<string, Holders>();

  constructor(vertex: JobVertex, tasks: readonly FormerTask<KeyedHandle>[]) {
    this.#parallelism = vertex.parallelism;
    for (const task of tasks.toSorted((left, right) => left.subtaskIndex - right.subtaskIndex)) {
      for (const { operatorId, states } of task.operators) {
        for (const state of states ?? []) this.#add(operatorId, state, task.subtaskIndex);
      }
    }
  }

  /** What the states of an operator in a former subtask leave to a new one; empty when that is nothing. */
  sharesOf(options: ShareOptions): { readonly states?: readonly NamedState[] } {
    const shares = (options.operator.states ?? []).flatMap((state) => {
      const share = this.#shareOf(state, options);
      return share === undefined ? [] : [share];
    });
    return shares.length === 0 ? {} : { states: shares };
  }

  #shareOf(state: NamedState, { operator, formerSubtask, formerParallelism, subtask }: ShareOptions): NamedState | undefined {
    if (state.mode === 'union') return state;
    const { subtasks, itemsBefore } = this.#holdersOf(operator.operatorId, state);
    if (state.mode === 'broadcast') return subtasks[subtask % subtasks.length] === formerSubtask ? state : undefined;
    if (formerParallelism === this.#parallelism) return formerSubtask === subtask ? state : undefined;
    return { ...state, share: { from: itemsBefore.get(formerSubtask) ?? 0, index: subtask, of: this.#parallelism } };
  }

  #add(operatorId: OperatorId, state: NamedState, formerSubtask: number): void {
    const holders = this.#holdersOf(operatorId, state);
    holders.subtasks.push(formerSubtask);
    holders.itemsBefore.set(formerSubtask, holders.itemCount);
    holders.itemCount += state.items;
  }

  #holdersOf(operatorId: OperatorId, { name }: NamedState): Holders {
    const id = `${operatorId}/${name}`;
    let holders = this.#holders.get(id);
    if (holders === undefined) {
      holders = { subtasks: [], itemsBefore: new Map(), itemCount: 0 };
      this.#holders.set(id, holders);
    }
    return holders;
  }
}
