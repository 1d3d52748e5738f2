/**
 * Operators of a chain that can be stages of one function, and how far each run of them goes.
 *
 * SR1  A run goes on only where the next stage is the sole taker of the main output before it: what a channel or a second
 *      operator takes as well leaves the run.
 */
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import type { NamedStage } from '../fusion/record-stage.js';
import type { OutputEdge } from './task-outputs.js';

/** Stages that become one function, and the operator whose main output they leave by. */
export interface StageRun {
  readonly stages: readonly NamedStage[];
  readonly last: OperatorDescriptor;
}

/** See the head of this file. */
export class StageRuns {
  readonly #vertex: JobVertex;
  readonly #edges: readonly OutputEdge[];
  readonly #stages = new Map<string, NamedStage>();

  constructor(vertex: JobVertex, edges: readonly OutputEdge[]) {
    this.#vertex = vertex;
    this.#edges = edges;
  }

  add(id: string, stage: NamedStage): void {
    this.#stages.set(id, stage);
  }

  /** From an operator that is a stage on. */
  from(first: OperatorDescriptor): StageRun {
    const stages: NamedStage[] = [this.#stages.get(first.id) as NamedStage];
    let last = first;
    for (let next = this.#soleTaker(last); next !== undefined; next = this.#soleTaker(last)) {
      stages.push(this.#stages.get(next.id) as NamedStage);
      last = next;
    }
    return { stages, last };
  }

  /** Behind an operator that is none; empty where no stage is its sole taker. */
  after(before: OperatorDescriptor): StageRun {
    const next = this.#soleTaker(before);
    return next === undefined ? { stages: [], last: before } : this.from(next);
  }

  #soleTaker({ id }: OperatorDescriptor): OperatorDescriptor | undefined {
    if (this.#edges.some(({ sourceOperator, sideOutput }) => sourceOperator === id && sideOutput === null)) return undefined;
    const [taker, ...others] = this.#vertex.chainedEdges.filter(({ source, sideOutput }) => source === id && sideOutput === null);
    if (taker === undefined || others.length > 0 || !this.#stages.has(taker.target)) return undefined;
    return this.#vertex.operators.find((operator) => operator.id === taker.target);
  }
}
