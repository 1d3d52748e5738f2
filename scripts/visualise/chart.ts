/** A machine as a chart: its states, and for each pair of them the events that lead from one to the other. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { statePath } from '../../state-machines/kit/totality.js';

export interface ChartState {
  readonly path: string;
  readonly name: string;
  /** Path of the state around it; '' at the top. */
  readonly parent: string;
  readonly kind: 'leaf' | 'compound' | 'final';
  readonly isInitial: boolean;
  readonly description: string;
  readonly entry: readonly string[];
}

/** One transition of one state for one event. Without a target the machine stays where it is. */
export interface ChartTransition {
  readonly from: string;
  readonly event: string;
  readonly to: string | undefined;
  readonly guard: string | undefined;
  readonly effects: readonly string[];
  /** Why the event is ignored, when it is. */
  readonly ignored: string | undefined;
}

export interface Chart {
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
}

export function chartOf(machine: AnyStateMachine): Chart {
  const states: ChartState[] = [];
  const transitions: ChartTransition[] = [];
  const visit = (node: AnyStateNode): void => {
    if (node !== machine.root) states.push(stateOf(node));
    for (const [event, definitions] of node.transitions) {
      for (const { target, guard, actions } of definitions) {
        transitions.push({
          from: statePath(node),
          event,
          to: target === undefined ? undefined : statePath(target[0] as AnyStateNode),
          guard: guard === undefined ? undefined : nameOf(guard),
          effects: actions.map(nameOf).filter((name) => name !== 'ignored' && name !== 'xstate.assign'),
          ignored: reasonOf(actions),
        });
      }
    }
    Object.values(node.states).forEach(visit);
  };
  visit(machine.root);
  return { states, transitions };
}

function stateOf(node: AnyStateNode): ChartState {
  const parent = node.parent as AnyStateNode;
  const hasStates = Object.keys(node.states).length > 0;
  return {
    path: statePath(node),
    name: node.key,
    parent: statePath(parent),
    kind: hasStates ? 'compound' : node.type === 'final' ? 'final' : 'leaf',
    isInitial: parent.config.initial === node.key,
    description: node.description ?? '',
    entry: node.entry.map(nameOf).filter((name) => name !== 'xstate.assign'),
  };
}

function nameOf(item: unknown): string {
  if (typeof item === 'string') return item;
  if (typeof item === 'object' && item !== null && 'type' in item) return String(item.type);
  if (typeof item === 'function' && 'type' in item) return String(item.type);
  return '(condition)';
}

function reasonOf(actions: readonly unknown[]): string | undefined {
  for (const action of actions) {
    if (typeof action === 'object' && action !== null && 'params' in action && nameOf(action) === 'ignored') {
      return String((action.params as { reason: string }).reason);
    }
  }
  return undefined;
}
