import type { OutputTag } from '../../dataflow/functions.js';
import type { ErrorPolicy } from '../error-policy.js';
import type { GraphBuilder, NodeDraft } from '../graph-builder.js';
import { NodeSettings } from '../node-settings.js';
import { nameTag } from '../output-tags.js';
import { DataStream } from './data-stream.js';
import { streamMakers } from './stream-handle.js';

/** The results of one operator, whose settings can be made here. Every setter returns the same stream. */
export class SingleOutputStream<T> extends DataStream<T> {
  readonly #builder: GraphBuilder;
  readonly #node: NodeDraft;
  readonly #settings: NodeSettings;

  constructor(builder: GraphBuilder, node: NodeDraft) {
    super({ builder, origins: [{ node, partitioner: undefined, sideOutput: undefined, keySelector: undefined }] });
    this.#builder = builder;
    this.#node = node;
    this.#settings = new NodeSettings(builder, node);
  }

  /** Shown in plans, logs and errors; unique in the job. Without a uid, state belongs to it. */
  name(name: string): this {
    this.#settings.name(name);
    return this;
  }

  /** What state belongs to, for the life of the job; unique in the job. */
  uid(uid: string): this {
    this.#settings.uid(uid);
    return this;
  }

  setParallelism(parallelism: number): this {
    this.#settings.parallelism(parallelism);
    return this;
  }

  /** Key groups; fixed once there is state. */
  setMaxParallelism(maxParallelism: number): this {
    this.#settings.maxParallelism(maxParallelism);
    return this;
  }

  /** The operator begins a chain: it is not called by the one before it directly. */
  startNewChain(): this {
    this.#settings.chaining('HEAD');
    return this;
  }

  /** The operator runs in a task of its own. */
  disableChaining(): this {
    this.#settings.chaining('NEVER');
    return this;
  }

  /**
   * What becomes of a record that the function of this operator fails on, its key included; see {@link ErrorPolicy}. `In` is
   * the type of the records it takes. The operator is not compiled together with its neighbours then.
   */
  onError<In = never>(policy: ErrorPolicy<In>): this {
    this.#settings.errorPolicy(policy as ErrorPolicy);
    return this;
  }

  /** Operators of different groups never share a slot. */
  slotSharingGroup(group: string): this {
    this.#settings.slotSharingGroup(group);
    return this;
  }

  /** What the operator handed to this tag. A tag it never uses gives an empty stream. */
  getSideOutput<S>(tag: OutputTag<S>): DataStream<S> {
    const origin = {
      node: this.#node,
      partitioner: undefined,
      sideOutput: nameTag(this.#node, { tag, use: 'getSideOutput' }),
      keySelector: undefined,
    };
    return new DataStream<S>({ builder: this.#builder, origins: [origin] });
  }
}

streamMakers.singleOutput = (builder, node) => new SingleOutputStream(builder, node);
