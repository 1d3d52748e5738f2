/**
 * Collects what a builder writes, and resolves it into a stream graph.
 *
 * GB1  Nothing is decided before the builder is done: defaults apply to the whole job, wherever they are set.
 * GB2  Without a partitioner an edge is FORWARD where the parallelism is equal, else REBALANCE (Flink's rule).
 * GB3  Without a slot sharing group an operator is in that of its inputs, if they agree, else in `default`.
 * GB4  Once built, nothing can be added.
 */
import { limits } from '../core/limits.js';
import { shortened } from '../core/shortened.js';
import type { KeySelector, OperatorFactory } from '../dataflow/contracts.js';
import type { ErrorPolicySettings } from '../dataflow/error-policy.js';
import type { ChainingStrategy, CustomPartition, FieldUse, OperatorKind, PartitionerKind, StreamEdge, StreamNode } from '../graph/types.js';
import { checkSinkOutputs, guardedFactory, keySelectorInto } from './error-policy.js';
import { apiError } from './api-error.js';

/** An operator as written so far. */
export interface NodeDraft {
  readonly id: number;
  readonly kind: OperatorKind;
  readonly type: string;
  readonly isKeyed: boolean;
  /** Always the only operator of its task, whatever is asked for. */
  readonly isAlone: boolean;
  readonly data: unknown;
  readonly fieldUse: FieldUse | undefined;
  readonly factory: OperatorFactory;
  readonly inputs: readonly Origin[];
  /** Of an operator with two inputs. */
  readonly secondInputs: readonly Origin[];
  readonly secondFieldUse: FieldUse | undefined;
  name: string;
  isNamed: boolean;
  uid: string | undefined;
  parallelism: number | undefined;
  maxParallelism: number | undefined;
  slotSharingGroup: string | undefined;
  chaining: ChainingStrategy;
  errorPolicy: ErrorPolicySettings | undefined;
}

/** Where records of a stream come from, and how they get to whoever reads it. */
export interface Origin {
  readonly node: NodeDraft;
  readonly partitioner: PartitionerKind | undefined;
  readonly sideOutput: string | undefined;
  readonly keySelector: KeySelector | undefined;
  readonly keyFields?: readonly string[] | undefined;
  readonly customPartition?: CustomPartition | undefined;
}

export type NewNode = Pick<NodeDraft, 'kind' | 'type' | 'name' | 'factory' | 'inputs'> &
  Partial<Pick<NodeDraft, 'isKeyed' | 'isAlone' | 'isNamed' | 'data' | 'fieldUse' | 'parallelism' | 'secondInputs' | 'secondFieldUse'>>;

export interface GraphDefaults {
  readonly parallelism: number;
  readonly maxParallelism: number | undefined;
}

/** One per build of a job. */
export class GraphBuilder {
  readonly #nodes: NodeDraft[] = [];
  #isBuilt = false;

  add(node: NewNode): NodeDraft {
    this.assertOpen();
    for (const { node: input } of [...node.inputs, ...(node.secondInputs ?? [])]) {
      if (this.#nodes[input.id] !== input) {
        throw apiError('STREAM_FOREIGN', `"${node.name}" reads a stream of another job.`, {
          where: node.name,
          hint: 'Use the streams of one builder only.',
        });
      }
    }
    const draft: NodeDraft = {
      isKeyed: false,
      isAlone: false,
      isNamed: false,
      data: undefined,
      fieldUse: undefined,
      secondInputs: [],
      secondFieldUse: undefined,
      parallelism: undefined,
      ...node,
      // Names that nobody gave tell of what was: a file, a label.
      name: node.isNamed === true ? node.name : shortened(node.name, limits.operatorNameMax),
      id: this.#nodes.length,
      uid: undefined,
      maxParallelism: undefined,
      slotSharingGroup: undefined,
      chaining: 'ALWAYS',
      errorPolicy: undefined,
    };
    this.#nodes.push(draft);
    return draft;
  }

  /** GB4. */
  assertOpen(): void {
    if (!this.#isBuilt) return;
    throw apiError('JOB_ALREADY_BUILT', 'The job is already built.', {
      hint: 'A builder is synchronous: add all operators before it returns.',
    });
  }

  build(defaults: GraphDefaults): {
    readonly nodes: readonly StreamNode<OperatorFactory>[];
    readonly edges: readonly StreamEdge<KeySelector>[];
  } {
    this.#isBuilt = true;
    const parallelismOf = (node: NodeDraft): number => node.parallelism ?? defaults.parallelism;
    const groups = new Map<number, string>();
    const nodes = this.#nodes.map((draft): StreamNode<OperatorFactory> => {
      checkSinkOutputs([...draft.inputs, ...draft.secondInputs]);
      const inherited = new Set([...draft.inputs, ...draft.secondInputs].map(({ node }) => groups.get(node.id) ?? 'default'));
      const slotSharingGroup = draft.slotSharingGroup ?? (inherited.size === 1 ? ([...inherited][0] as string) : 'default');
      groups.set(draft.id, slotSharingGroup);
      const { id, kind, type, name, isNamed, uid, chaining, isKeyed, fieldUse, secondFieldUse, errorPolicy } = draft;
      const maxParallelism = draft.maxParallelism ?? defaults.maxParallelism;
      return {
        id,
        kind,
        type,
        name,
        isNamed,
        uid,
        parallelism: parallelismOf(draft),
        maxParallelism,
        slotSharingGroup,
        chaining: draft.isAlone ? 'NEVER' : chaining,
        isKeyed,
        data: errorPolicy === undefined ? draft.data : { data: draft.data, errorPolicy },
        fieldUse,
        secondFieldUse,
        factory: guardedFactory(draft),
      };
    });
    const edgesInto = (target: NodeDraft, origins: readonly Origin[], inputIndex: number): readonly StreamEdge<KeySelector>[] =>
      origins.map(({ node, partitioner, sideOutput, keySelector, keyFields, customPartition }) => ({
        source: node.id,
        target: target.id,
        partitioner: partitioner ?? (parallelismOf(node) === parallelismOf(target) ? 'FORWARD' : 'REBALANCE'),
        inputIndex,
        sideOutput,
        keySelector: keySelectorInto(target, keySelector),
        keyFields,
        customPartition,
      }));
    const edges = this.#nodes.flatMap((node) => [...edgesInto(node, node.inputs, 0), ...edgesInto(node, node.secondInputs, 1)]);
    return { nodes, edges };
  }
}
