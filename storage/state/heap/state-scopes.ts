/**
 * The two scopes of a backend: of keys, and of keys in namespaces. The second is made when it is first used, so that
 * whoever has no namespaces pays nothing for them.
 *
 * SO1  A name is one state: what the program asks for, and what a checkpoint holds, agree in kind and scope, or one of
 *      them is refused with `STATE_KIND_CLASH`.
 * SO2  State of a checkpoint agrees with what the program asks for in having a time to live, and in its version once it
 *      was migrated, or it is refused with `STATE_INCOMPATIBLE`.
 */
import { MillraceError } from '../../../core/errors.js';
import type { StateDescriptor } from '../contracts.js';
import { incompatibility } from '../state-comparison.js';
import type { AnnouncedStates } from './announced-states.js';
import { migrateState, type MigrationOptions } from './migration.js';
import { StateScope } from './state-scope.js';
import type { StateTable, StateTableOptions } from './state-table.js';

/** Where a state is: `table.columns[index]`. */
export interface DeclaredState {
  readonly table: StateTable;
  readonly index: number;
}

export interface StateScopesOptions extends Omit<StateTableOptions, 'hasNamespaces'> {
  /** For error messages. */
  readonly announced: AnnouncedStates;
}

export class StateScopes {
  readonly ofKeys: StateScope;
  /** Undefined as long as nothing belongs to a namespace. */
  ofNamespaces: StateScope | undefined;
  private readonly options: StateScopesOptions;

  constructor(options: StateScopesOptions) {
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

  /** Every state, of both scopes. */
  states(): readonly StateDescriptor[] {
    return this.all.flatMap(({ table }) => table.states);
  }

  /** A state of a checkpoint. */
  restoreState(state: StateDescriptor): DeclaredState {
    const found = this.find(state);
    if (found === undefined) return this.add(state, false);
    const known = found.table.states[found.index] as StateDescriptor;
    if (known.version === state.version && known.hasTtl === state.hasTtl) return found;
    throw this.incompatible(
      state,
      `is held by the checkpoint as version ${known.version} and as version ${state.version}`,
      'Ask for it when the function is made or opened, not later: then all subtasks migrate it together.',
    );
  }

  /** A state the program asks for; its values are migrated if a checkpoint holds them in an earlier version. */
  declare(state: StateDescriptor, migrate: MigrationOptions['migrate'] | undefined): DeclaredState {
    const found = this.find(state);
    if (found === undefined) return this.add(state, true);
    const { table, index } = found;
    const known = table.states[index] as StateDescriptor;
    if (!table.isAskedFor[index]) this.adopt(found, state, migrate);
    else if (known.version !== state.version || known.hasTtl !== state.hasTtl) throw this.clash(known, state);
    return found;
  }

  private find(state: StateDescriptor): DeclaredState | undefined {
    for (const { table } of this.all) {
      const index = table.indexOf(state.name);
      if (index < 0) continue;
      const known = table.states[index] as StateDescriptor;
      if (known.kind !== state.kind || known.isNamespaced !== state.isNamespaced) throw this.clash(known, state);
      return { table, index };
    }
    return undefined;
  }

  private add(state: StateDescriptor, isAskedFor: boolean): DeclaredState {
    const { table } = this.scopeFor(state.isNamespaced);
    return { table, index: table.addState(state, isAskedFor) };
  }

  private adopt({ table, index }: DeclaredState, wanted: StateDescriptor, migrate: MigrationOptions['migrate'] | undefined): void {
    const known = table.states[index] as StateDescriptor;
    const why = incompatibility(known, wanted, migrate !== undefined);
    if (why !== undefined) throw this.incompatible(wanted, why.why, why.hint);
    if (known.version < wanted.version && migrate !== undefined) migrateState({ table, index, migrate });
    table.states[index] = wanted;
    table.isAskedFor[index] = true;
  }

  private clash(known: StateDescriptor, wanted: StateDescriptor): MillraceError {
    const { announced, operatorName } = this.options;
    const hasVersion = known.version !== wanted.version;
    return new MillraceError(
      'STATE_KIND_CLASH',
      `State ${announced.shown(wanted.name)} is ${describe(known, hasVersion)} and cannot be used as ${describe(wanted, hasVersion)}.`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: operatorName,
        hint: 'Give the new state another name, or restore from nothing.',
      },
    );
  }

  private incompatible({ name }: StateDescriptor, why: string, hint: string): MillraceError {
    return new MillraceError('STATE_INCOMPATIBLE', `State ${this.options.announced.shown(name)} ${why}.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.options.operatorName,
      hint,
    });
  }
}

/** In words of who asks for it: windows are what has namespaces. The version is named where it makes the difference. */
function describe({ kind, isNamespaced, version, hasTtl }: StateDescriptor, hasVersion: boolean): string {
  const article = kind === 'aggregating' ? 'an' : 'a';
  const more = `${isNamespaced ? ' of a window' : ''}${hasTtl ? ' with a time to live' : ''}${hasVersion ? `, version ${version}` : ''}`;
  return `${article} ${kind} state${more}`;
}
