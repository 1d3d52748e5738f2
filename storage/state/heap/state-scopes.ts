/**
 * The two scopes of a backend: of keys, and of keys in namespaces. The second is made when it is first used, so that
 * whoever has no namespaces pays nothing for them.
 */
import { MillraceError } from '../../../core/errors.js';
import type { StateDescriptor } from '../contracts.js';
import { StateScope } from './state-scope.js';
import type { StateTable, StateTableOptions } from './state-table.js';

/** Where a state is: `table.columns[index]`. */
export interface DeclaredState {
  readonly table: StateTable;
  readonly index: number;
}

export class StateScopes {
  readonly ofKeys: StateScope;
  /** Undefined as long as nothing belongs to a namespace. */
  ofNamespaces: StateScope | undefined;
  private readonly options: Omit<StateTableOptions, 'hasNamespaces'>;

  constructor(options: Omit<StateTableOptions, 'hasNamespaces'>) {
    this.options = options;
    this.ofKeys = new StateScope({ ...options, hasNamespaces: false });
  }

  get all(): readonly StateScope[] {
    return this.ofNamespaces === undefined ? [this.ofKeys] : [this.ofKeys, this.ofNamespaces];
  }

  scopeFor(isNamespaced: boolean): StateScope {
    if (!isNamespaced) return this.ofKeys;
    this.ofNamespaces ??= new StateScope({ ...this.options, hasNamespaces: true });
    return this.ofNamespaces;
  }

  /** The state of that name, added if it is not there; with another kind or scope it is refused. */
  declare(state: StateDescriptor): DeclaredState {
    for (const { table } of this.all) {
      const index = table.indexOf(state.name);
      if (index < 0) continue;
      const known = table.states[index] as StateDescriptor;
      if (known.kind !== state.kind || known.isNamespaced !== state.isNamespaced) throw this.clash(known, state);
      return { table, index };
    }
    const { table } = this.scopeFor(state.isNamespaced);
    return { table, index: table.addState(state) };
  }

  private clash(known: StateDescriptor, wanted: StateDescriptor): MillraceError {
    return new MillraceError(
      'STATE_KIND_CLASH',
      `State ${JSON.stringify(wanted.name)} is a ${describe(known)} and cannot be used as a ${describe(wanted)}.`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: this.options.operatorName,
        hint: 'Give the new state another name, or restore from nothing.',
      },
    );
  }
}

const describe = (state: StateDescriptor): string => `${state.kind} state${state.isNamespaced ? ' per namespace' : ''}`;
