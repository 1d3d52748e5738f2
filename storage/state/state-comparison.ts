/** What becomes of the states of a checkpoint when a job starts from it: whether they fit what the job asks for. */
import { MillraceError } from '../../core/errors.js';
import type { OperatorId } from '../../core/ids.js';
import type { StateDescriptor, TaskSnapshot } from '../contracts.js';

export interface Incompatibility {
  /** Goes on after the name of the state. */
  readonly why: string;
  readonly hint: string;
}

/** Why `wanted` cannot take over what a checkpoint holds as `held`, of the same kind and scope; undefined when it can. */
export function incompatibility(held: StateDescriptor, wanted: StateDescriptor, isMigrated: boolean): Incompatibility | undefined {
  if (held.hasTtl !== wanted.hasTtl) {
    return {
      why: held.hasTtl ? 'had a time to live in the checkpoint and has none now' : 'has a time to live now and had none in the checkpoint',
      hint: 'Give the new state another name.',
    };
  }
  if (held.version > wanted.version) {
    return {
      why: `has version ${held.version} in the checkpoint and version ${wanted.version} in the program`,
      hint: 'Run the program that wrote it, or a later one.',
    };
  }
  if (held.version < wanted.version && !isMigrated) {
    return {
      why: `has version ${held.version} in the checkpoint and version ${wanted.version} in the program, which does not say how to migrate it`,
      hint: 'Give { version, migrate(old, fromVersion) } where the state is asked for.',
    };
  }
  return undefined;
}

/** `unknown`: whether the program asks for it can only be seen when its tasks start, and is checked there. */
export type StateVerdict = 'new' | 'kept' | 'migrated' | 'dropped' | 'incompatible' | 'unknown';

/** What becomes of one state when a job starts from a checkpoint. */
export interface ComparedState {
  /** Name of the operator; its id, where the job has no such operator. */
  readonly operator: string;
  readonly state: string;
  readonly verdict: StateVerdict;
  /** Why, where the verdict does not say it. */
  readonly reason?: string;
}

export interface AskedState {
  readonly descriptor: StateDescriptor;
  /** It says how to migrate earlier versions. */
  readonly isMigrated: boolean;
}

/** The states an operator of the job asks for, as far as that is known before its tasks start. */
export interface AskingOperator {
  readonly operatorId: OperatorId;
  readonly name: string;
  readonly states: readonly AskedState[];
  /** How names of states begin that it asks for while records come. */
  readonly later?: readonly string[];
  /** Why there may be more; absent: these are all. */
  readonly problem?: string;
}

/** The states a checkpoint holds of one operator. */
export interface HeldStates {
  readonly operatorId: OperatorId;
  readonly states: readonly StateDescriptor[];
}

/** What a checkpoint holds, each state of an operator once in each version there is. */
export function heldStatesOf(tasks: readonly TaskSnapshot[]): readonly HeldStates[] {
  const byOperator = new Map<OperatorId, Map<string, StateDescriptor>>();
  for (const { operatorId, descriptors = [] } of tasks.flatMap((task) => task.operators)) {
    const states = byOperator.get(operatorId) ?? new Map<string, StateDescriptor>();
    byOperator.set(operatorId, states);
    for (const state of descriptors) states.set(JSON.stringify(state), state);
  }
  return Array.from(byOperator, ([operatorId, states]) => ({ operatorId, states: [...states.values()] }));
}

/** What becomes of every state that a checkpoint holds, or a job asks for; in the order of the operators, then by name. */
export function compareStates(held: readonly HeldStates[], asking: readonly AskingOperator[]): readonly ComparedState[] {
  const names = new Set(asking.map(({ operatorId }) => operatorId));
  const ofNoOperator = held
    .filter(({ operatorId }) => !names.has(operatorId))
    .map(({ operatorId }): AskingOperator => ({ operatorId, name: operatorId, states: [] }));
  return [...asking, ...ofNoOperator].flatMap((operator) => {
    const states = held.filter(({ operatorId }) => operatorId === operator.operatorId).flatMap((one) => one.states);
    return compareOperator(operator, states).toSorted((left, right) => (left.state < right.state ? -1 : 1));
  });
}

function compareOperator({ name, states, later = [], problem }: AskingOperator, held: readonly StateDescriptor[]): ComparedState[] {
  const compared = states.map(({ descriptor, isMigrated }): ComparedState => {
    const former = held.filter((state) => state.name === descriptor.name);
    return { operator: name, state: descriptor.name, ...verdictOf(former, descriptor, isMigrated) };
  });
  const asked = new Set(states.map(({ descriptor }) => descriptor.name));
  const others = new Set(held.map((state) => state.name).filter((state) => !asked.has(state)));
  for (const state of others) {
    const reason = later.some((prefix) => state.startsWith(prefix)) ? 'it is asked for while the job runs' : problem;
    compared.push({ operator: name, state, ...(reason === undefined ? { verdict: 'dropped' } : { verdict: 'unknown', reason }) });
  }
  return compared;
}

function verdictOf(
  held: readonly StateDescriptor[],
  wanted: StateDescriptor,
  isMigrated: boolean,
): Pick<ComparedState, 'verdict' | 'reason'> {
  let verdict: StateVerdict = held.length === 0 ? 'new' : 'kept';
  for (const state of held) {
    if (state.kind !== wanted.kind || state.isNamespaced !== wanted.isNamespaced) {
      return {
        verdict: 'incompatible',
        reason: `it is ${withArticle(state.kind)} state in the checkpoint and ${withArticle(wanted.kind)} state in the program`,
      };
    }
    const problem = incompatibility(state, wanted, isMigrated);
    if (problem !== undefined) return { verdict: 'incompatible', reason: `it ${problem.why}` };
    if (state.version !== wanted.version) verdict = 'migrated';
  }
  return { verdict };
}

const withArticle = (kind: string): string => `${/^[aeio]/.test(kind) ? 'an' : 'a'} ${kind}`;

/** Throws `STATE_INCOMPATIBLE` or `STATE_DROPPED`, telling all such states, unless the job may start from the checkpoint. */
export function assertStatesFit(states: readonly ComparedState[], isDroppingAllowed: boolean): void {
  const told = (verdict: StateVerdict): string =>
    states
      .filter((state) => state.verdict === verdict)
      .map(({ operator, state, reason }) => `"${operator}", state "${state}"${reason === undefined ? '' : `: ${reason}`}`)
      .join('; ');
  const incompatible = told('incompatible');
  if (incompatible !== '') {
    throw refusal('STATE_INCOMPATIBLE', `State of the checkpoint does not fit the job: ${incompatible}.`, {
      hint: 'Raise the version and say how to migrate, give the new state another name, or start without the checkpoint.',
    });
  }
  const dropped = told('dropped');
  if (dropped === '' || isDroppingAllowed) return;
  throw refusal('STATE_DROPPED', `The job asks for no such state as the checkpoint holds: ${dropped}.`, {
    hint: 'Keep the names of states and the uid of operators, or leave the state behind with --allowNonRestoredState.',
  });
}

function refusal(code: string, message: string, { hint }: { readonly hint: string }): MillraceError {
  return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', hint });
}
