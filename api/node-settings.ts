/** What a user may set on an operator; the setters of streams and sinks share these. */
import { isSubjectToken } from '../core/ids.js';
import { checkMaxParallelism } from '../graph/key-groups.js';
import { checkSinkPolicy, errorPolicyOf, type ErrorPolicy } from './error-policy.js';
import { apiError } from './api-error.js';
import { nameTag } from './output-tags.js';
import type { GraphBuilder, NodeDraft } from './graph-builder.js';

/** The settings of one operator, and the job they belong to. */
export class NodeSettings {
  readonly #builder: GraphBuilder;
  readonly #node: NodeDraft;

  constructor(builder: GraphBuilder, node: NodeDraft) {
    this.#builder = builder;
    this.#node = node;
  }

  name(name: string): void {
    if (typeof name !== 'string' || name.trim() === '')
      throw apiError('OPERATOR_NAME_EMPTY', 'The name of an operator is empty.', {
        where: this.#node.name,
        hint: 'Give it a name that says what it does.',
      });
    const node = this.#open();
    node.name = name;
    node.isNamed = true;
  }

  uid(uid: string): void {
    if (typeof uid !== 'string' || uid === '')
      throw apiError('UID_EMPTY', 'The uid is empty.', {
        where: this.#node.name,
        hint: 'Give it a text that stays the same for the life of the job.',
      });
    this.#open().uid = uid;
  }

  parallelism(parallelism: number): void {
    if (!Number.isSafeInteger(parallelism) || parallelism < 1) {
      throw apiError('PARALLELISM_INVALID', `${parallelism} is not a parallelism.`, {
        where: this.#node.name,
        hint: 'Use a whole number from 1.',
      });
    }
    this.#open().parallelism = parallelism;
  }

  maxParallelism(maxParallelism: number): void {
    checkMaxParallelism(maxParallelism, this.#node.name);
    this.#open().maxParallelism = maxParallelism;
  }

  chaining(chaining: NodeDraft['chaining']): void {
    this.#open().chaining = chaining;
  }

  errorPolicy(policy: ErrorPolicy): void {
    const node = this.#open();
    if (node.kind === 'source') {
      throw apiError('ERROR_POLICY_INVALID', 'onError stands behind a source, which calls no function on records.', {
        where: node.name,
        hint: 'Set it behind the operator whose function may fail.',
      });
    }
    const settings = errorPolicyOf(policy, node.name);
    if (node.kind === 'sink' && settings !== undefined) checkSinkPolicy(settings, node.name);
    node.errorPolicy = settings;
    if (policy !== 'fail' && policy.deadLetter !== undefined) nameTag(node, { tag: policy.deadLetter, use: 'onError' });
  }

  slotSharingGroup(group: string): void {
    if (!isSubjectToken(group))
      throw apiError('SLOT_SHARING_GROUP_INVALID', `${JSON.stringify(group)} is not a slot sharing group.`, {
        where: this.#node.name,
        hint: 'Use letters, digits, "-" or "_".',
      });
    this.#open().slotSharingGroup = group;
  }

  #open(): NodeDraft {
    this.#builder.assertOpen();
    return this.#node;
  }
}
