/** Checks that a machine decided on every event in every state: an unspecified cell is a defect. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A leaf state and an event type that neither it nor a state around it names. */
export interface UnspecifiedCell {
  readonly state: string;
  readonly event: string;
}

/** All leaf states, by their path (`restarting.cancelling`), in document order. */
export function leafStates(machine: AnyStateMachine): readonly AnyStateNode[] {
  const leaves: AnyStateNode[] = [];
  const visit = (node: AnyStateNode): void => {
    const children = Object.values(node.states);
    if (children.length === 0) leaves.push(node);
    for (const child of children) visit(child);
  };
  visit(machine.root);
  return leaves;
}

/** The path of a state below the root. */
export function statePath(node: AnyStateNode): string {
  return node.path.join('.');
}

/**
 * Every leaf × event that is not specified. Final states at the top level end the machine, so they name no events; the
 * host counts what still arrives there.
 */
export function unspecifiedCells(machine: AnyStateMachine, events: readonly string[]): readonly UnspecifiedCell[] {
  const cells: UnspecifiedCell[] = [];
  for (const leaf of leafStates(machine)) {
    if (leaf.type === 'final' && leaf.parent === machine.root) continue;
    for (const event of events) {
      if (!isNamed(leaf, event)) cells.push({ state: statePath(leaf), event });
    }
  }
  return cells;
}

/** Names of events that the machine handles somewhere but that are not among `events`, and wildcards. */
export function undeclaredEvents(machine: AnyStateMachine, events: readonly string[]): readonly string[] {
  const known = new Set(events);
  const found = new Set<string>();
  const visit = (node: AnyStateNode): void => {
    for (const name of Object.keys(node.config.on ?? {})) if (!known.has(name)) found.add(name);
    Object.values(node.states).forEach(visit);
  };
  visit(machine.root);
  return [...found];
}

/** Throws with every unspecified cell and undeclared event named. */
export function assertTotal(machine: AnyStateMachine, events: readonly string[]): void {
  const problems = [
    ...unspecifiedCells(machine, events).map((cell) => `${cell.state || '(root)'} does not say what ${cell.event} does`),
    ...undeclaredEvents(machine, events).map((event) => `${event} is handled but not declared`),
  ];
  if (problems.length > 0) throw new Error(`machine ${machine.id} is not total:\n  ${problems.join('\n  ')}`);
}

function isNamed(node: AnyStateNode, event: string): boolean {
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) {
    if (Object.hasOwn(at.config.on ?? {}, event)) return true;
  }
  return false;
}
