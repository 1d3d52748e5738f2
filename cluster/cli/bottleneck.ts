/**
 * Which vertex holds others back.
 *
 * BN1  A vertex is held back when one of its subtasks is back-pressured for a tenth of its time.
 * BN2  What holds it back is found downstream: from consumer to consumer, each time the one whose inputs are fullest, until
 *      one is not held back itself. It is named only if it is busy, or its inputs are full, for half or more.
 */
import type { VertexStatus } from '../../bus/protocol/messages/jobs.js';

const heldBackMs = 100;
const busyMs = 500;
const fullShare = 0.5;

/** The vertex that holds `vertex` back; undefined when it is not held back, or the data does not show by whom. */
export function bottleneckOf(vertex: VertexStatus, vertices: readonly VertexStatus[]): VertexStatus | undefined {
  if (!isHeldBack(vertex)) return undefined;
  let current = vertex;
  // As many steps as there are vertices at most: plans have no cycles, but what came need not be a plan.
  for (const _ of vertices) {
    const consumers = vertices.filter(({ inputs = [] }) => inputs.some(({ vertexId }) => vertexId === current.vertexId));
    const [next] = consumers.sort((left, right) => inputUse(right) - inputUse(left) || busy(right) - busy(left));
    if (next === undefined) return undefined;
    if (!isHeldBack(next)) return busy(next) >= busyMs || inputUse(next) >= fullShare ? next : undefined;
    current = next;
  }
  return undefined;
}

const most = ({ subtasks }: VertexStatus, of: (subtask: VertexStatus['subtasks'][number]) => number): number =>
  subtasks.reduce((so, subtask) => Math.max(so, of(subtask)), 0);
const isHeldBack = (vertex: VertexStatus): boolean => most(vertex, ({ load }) => load?.backPressured ?? 0) >= heldBackMs;
const busy = (vertex: VertexStatus): number => most(vertex, ({ load }) => load?.busy ?? 0);
const inputUse = (vertex: VertexStatus): number => most(vertex, ({ metrics }) => metrics.channels?.inputUse ?? 0);
