/**
 * xstate's pure transition, cheaper. `transition()` of xstate makes an actor for every call, and an actor computes the
 * initial state: a third of the cost of an event. Our machines invoke and spawn nothing, so one scope per machine does for
 * all its instances; what a transition decides is the same (the tests compare).
 */
import { createActor, type AnyActorScope, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';

/** An action as data. */
export interface NamedAction {
  readonly type: string;
  readonly params: unknown;
}

export interface PureTransition {
  initial(input: unknown): readonly [AnyMachineSnapshot, readonly NamedAction[]];
  next(snapshot: AnyMachineSnapshot, event: { readonly type: string }): readonly [AnyMachineSnapshot, readonly NamedAction[]];
}

const known = new WeakMap<AnyStateMachine, PureTransition>();

/** The transition functions of a machine; made once. */
export function pureTransitionOf(machine: AnyStateMachine): PureTransition {
  const present = known.get(machine);
  if (present !== undefined) return present;
  const made = create(machine);
  known.set(machine, made);
  return made;
}

function create(machine: AnyStateMachine): PureTransition {
  const self = createActor(machine);
  let actions: NamedAction[] = [];
  const nothing = (): void => undefined;
  const scope = {
    self,
    id: '',
    sessionId: '',
    logger: nothing,
    defer: nothing,
    stopChild: nothing,
    emit: nothing,
    system: self.system,
    actionExecutor: ({ type, params }: NamedAction) => void actions.push({ type, params }),
  } as unknown as AnyActorScope;
  const collect = (compute: () => unknown): readonly [AnyMachineSnapshot, readonly NamedAction[]] => {
    actions = [];
    const snapshot = compute() as AnyMachineSnapshot;
    return [snapshot, actions];
  };
  return {
    initial: (input) => collect(() => machine.getInitialSnapshot(scope, input)),
    next: (snapshot, event) => collect(() => machine.transition(snapshot, event, scope)),
  };
}
