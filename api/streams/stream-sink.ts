import type { DeadLetter } from '../../dataflow/error-policy.js';
import type { OutputTag } from '../../dataflow/functions.js';
import type { ErrorPolicy } from '../error-policy.js';
import type { GraphBuilder, NodeDraft } from '../graph-builder.js';
import { NodeSettings } from '../node-settings.js';
import { nameTag } from '../output-tags.js';
import { DataStream } from './data-stream.js';
import { streamMakers } from './stream-handle.js';

/** The end of a stream of `T`, whose settings can be made here. */
export class StreamSink<T> {
  readonly #builder: GraphBuilder;
  readonly #node: NodeDraft;
  readonly #settings: NodeSettings;

  constructor(builder: GraphBuilder, node: NodeDraft) {
    this.#builder = builder;
    this.#node = node;
    this.#settings = new NodeSettings(builder, node);
  }

  /** Shown in plans, logs and errors; unique in the job. Without a uid, pending transactions belong to it. */
  name(name: string): this {
    this.#settings.name(name);
    return this;
  }

  /** What pending transactions belong to, for the life of the job; unique in the job. */
  uid(uid: string): this {
    this.#settings.uid(uid);
    return this;
  }

  setParallelism(parallelism: number): this {
    this.#settings.parallelism(parallelism);
    return this;
  }

  /** The sink runs in a task of its own. */
  disableChaining(): this {
    this.#settings.chaining('NEVER');
    return this;
  }

  /**
   * What becomes of a record that cannot be written: one for which a function of the sink (`encode`, `partitionBy`, a key)
   * throws, or gives what the target cannot take; see {@link ErrorPolicy}. A dead letter is in no transaction, and each
   * record is either written or a dead letter. What fails of the target itself (a send, a commit) fails the task.
   */
  onError(policy: ErrorPolicy<T>): this {
    this.#settings.errorPolicy(policy as ErrorPolicy);
    return this;
  }

  /** The records that could not be written; `tag` is the `deadLetter` of this sink's `onError`, else the build fails. */
  getSideOutput(tag: OutputTag<DeadLetter<T>>): DataStream<DeadLetter<T>> {
    const sideOutput = nameTag(this.#node, { tag, use: 'getSideOutput' });
    const origin = { node: this.#node, partitioner: undefined, sideOutput, keySelector: undefined };
    return new DataStream<DeadLetter<T>>({ builder: this.#builder, origins: [origin] });
  }

  /** Operators of different groups never share a slot. */
  slotSharingGroup(group: string): this {
    this.#settings.slotSharingGroup(group);
    return this;
  }
}

streamMakers.sink = (builder, node) => new StreamSink(builder, node);
