import type { GraphBuilder, NodeDraft } from '../graph-builder.js';
import { NodeSettings } from '../node-settings.js';

/** The end of a stream, whose settings can be made here. */
export class StreamSink {
  readonly #settings: NodeSettings;

  constructor(builder: GraphBuilder, node: NodeDraft) {
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

  /** Operators of different groups never share a slot. */
  slotSharingGroup(group: string): this {
    this.#settings.slotSharingGroup(group);
    return this;
  }
}
