import type { Key } from '../../core/keys.js';
import type { BroadcastProcessSetup, KeyedBroadcastProcessSetup, MapStateDescriptor } from '../../dataflow/broadcast-functions.js';
import type { Operator } from '../../dataflow/contracts.js';
import type { Synchronous } from '../../dataflow/functions.js';
import { broadcastProcessOperator, keyedBroadcastProcessOperator } from '../../dataflow/operators/broadcast-process.js';
import { apiError } from '../api-error.js';
import { assertMethods, type Transformation } from '../transformation.js';
import { addOperator, type StreamHandle } from './stream-handle.js';
import type { SingleOutputStream } from './single-output-stream.js';

/** Of a state with whatever entries. */
export type BroadcastDescriptor = Pick<MapStateDescriptor<never, never>, 'name'>;

/** Refuses what is no descriptor, and one name twice. */
export function stateNamesOf(descriptors: readonly BroadcastDescriptor[]): readonly string[] {
  const names = descriptors.map((descriptor: BroadcastDescriptor | undefined) => descriptor?.name);
  names.forEach((name, index) => {
    if (typeof name !== 'string' || name === '')
      throw apiError('STATE_DESCRIPTOR_MISSING', `broadcast got ${typeof descriptors[index]} instead of a state descriptor.`, {
        where: 'broadcast',
        hint: "Pass mapStateDescriptor('name').",
      });
    if (names.indexOf(name) < index)
      throw apiError('STATE_NAME_DUPLICATE', `Broadcast state "${name}" is declared twice.`, {
        where: 'broadcast',
        hint: 'Give every state a name of its own.',
      });
  });
  return names as readonly string[];
}

/** What a broadcast stream is made of. */
interface BroadcastParts {
  readonly handle: StreamHandle;
  readonly stateNames: readonly string[];
}

let partsOf: (stream: BroadcastStream<unknown>) => BroadcastParts;

/** A stream every record of which goes to every subtask, and the states that what it says is kept in. For `connect`. */
export class BroadcastStream<T> {
  static {
    partsOf = (stream) => stream.#parts;
  }

  readonly #parts: BroadcastParts;
  /** Keeps streams of different types apart. */
  declare protected readonly recordType: T;

  constructor(handle: StreamHandle, stateNames: readonly string[]) {
    this.#parts = { handle, stateNames };
  }
}

/** A stream and a broadcast one. */
export class BroadcastConnectedStream<T, Broadcast> {
  readonly #first: StreamHandle;
  readonly #broadcast: BroadcastStream<Broadcast>;
  declare protected readonly recordType: T;

  constructor(first: StreamHandle, broadcast: BroadcastStream<Broadcast>) {
    this.#first = first;
    this.#broadcast = broadcast;
  }

  /**
   * A function with `processElement` for the records of the stream, which reads broadcast state, and
   * `processBroadcastElement` for the broadcast ones, which changes it; or what makes one for each subtask.
   */
  process<Out>(setup: BroadcastProcessSetup<T, Broadcast, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const node = { type: 'broadcast-process', name: 'Co-Process-Broadcast' };
    return this.transform(node, setup, (stateNames) => broadcastProcessOperator({ setup, stateNames }));
  }

  protected transform<Out>(
    node: Pick<Transformation, 'type' | 'name' | 'isKeyed'>,
    written: unknown,
    createFor: (stateNames: readonly string[]) => Operator,
  ): SingleOutputStream<Out> {
    assertMethods(written, node.type, ['processElement', 'processBroadcastElement']);
    const { handle, stateNames } = partsOf(this.#broadcast as BroadcastStream<unknown>);
    return addOperator<Out>(this.#first, { ...node, written, data: stateNames, create: () => createFor(stateNames) }, handle);
  }
}

/** A keyed stream and a broadcast one. */
export class KeyedBroadcastConnectedStream<K extends Key, T, Broadcast> extends BroadcastConnectedStream<T, Broadcast> {
  readonly #keyOf: (value: T) => K;

  constructor(first: StreamHandle, broadcast: BroadcastStream<Broadcast>, keyOf: (value: T) => K) {
    super(first, broadcast);
    this.#keyOf = keyOf;
  }

  /** The same as without keys, besides with state and timers of the record's key. */
  override process<Out>(setup: KeyedBroadcastProcessSetup<K, T, Broadcast, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const keyOf = this.#keyOf;
    const node = { type: 'keyed-broadcast-process', name: 'Co-Process-Broadcast-Keyed', isKeyed: true };
    return this.transform(node, setup, (stateNames) => keyedBroadcastProcessOperator({ setup, stateNames, keyOf }));
  }
}
