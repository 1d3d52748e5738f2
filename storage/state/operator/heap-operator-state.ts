/**
 * Named states of one operator in one subtask, in memory.
 *
 * OS1  A snapshot holds the states as they are when it is asked for: everything is serialised before `snapshot` returns.
 * OS2  What was restored stays in later snapshots, asked for or not.
 * OS3  Of a handle with a share, exactly the items of that share are taken: over all shares, each item once.
 */
import { decode, encode } from '../../../bus/codec/cbor.js';
import { MillraceError } from '../../../core/errors.js';
import type { Key } from '../../../core/keys.js';
import type { OperatorStateHandle, OperatorStateMode } from '../../contracts.js';
import type { ChunkReader, ChunkWriter, ListState, MapState, OperatorStateBackend, StateDescriptor } from '../contracts.js';
import { ChunkBuilder } from '../heap/chunk-builder.js';
import { packKey, stateLimits, unpackKey } from '../heap/snapshot-format.js';
import { BroadcastMap } from './broadcast-map.js';
import { OperatorList } from './operator-list.js';

export interface HeapOperatorStateOptions {
  /** Named in errors. */
  readonly operatorName: string;
  /** Values are stored as they are (`pipeline.object-reuse`). */
  readonly isObjectReuse: boolean;
}

type NamedState =
  | { readonly mode: 'split' | 'union'; readonly state: OperatorList<unknown> }
  | { readonly mode: 'broadcast'; readonly state: BroadcastMap<Key, unknown> };

const formatVersion = 1;
/** Items encoded at a time. */
const itemsPerBatch = 256;

const kinds = { split: 'operator list', union: 'union list', broadcast: 'broadcast' } as const;

export class HeapOperatorState implements OperatorStateBackend {
  readonly #options: HeapOperatorStateOptions;
  readonly #states = new Map<string, NamedState>();

  constructor(options: HeapOperatorStateOptions) {
    this.#options = options;
  }

  listState<T>(name: string): ListState<T> {
    return this.#named(name, 'split').state as OperatorList<T>;
  }

  unionListState<T>(name: string): ListState<T> {
    return this.#named(name, 'union').state as OperatorList<T>;
  }

  broadcastState<K extends Key, V>(name: string): MapState<K, V> {
    return this.#named(name, 'broadcast').state as unknown as BroadcastMap<K, V>;
  }

  states(): readonly StateDescriptor[] {
    return Array.from(this.#states, ([name, { mode }]) => ({ name, kind: kinds[mode], isNamespaced: false, version: 1, hasTtl: false }));
  }

  snapshot(write: ChunkWriter): Promise<readonly OperatorStateHandle[]> {
    return Promise.all([...this.#states].map(([name, named]) => this.#write(name, named, write)).filter((handle) => handle !== undefined));
  }

  async restore(handles: readonly OperatorStateHandle[], read: ChunkReader): Promise<void> {
    for (const handle of handles) {
      const named = this.#named(handle.name, handle.mode);
      let number = handle.share?.from ?? 0;
      for (const chunk of handle.chunks) {
        for (const item of this.#decode(await read(chunk), chunk.name)) {
          if (handle.share === undefined || number % handle.share.of === handle.share.index) putBack(named, item);
          number += 1;
        }
      }
    }
  }

  /** Undefined when there is nothing to write. */
  #write(name: string, named: NamedState, write: ChunkWriter): Promise<OperatorStateHandle> | undefined {
    const items = itemsOf(named);
    if (items.length === 0) return undefined;
    const builder = new ChunkBuilder<unknown>({
      header: encode([formatVersion, name, named.mode]),
      write,
      placeOf: () => this.#placeOf(name),
    });
    for (let start = 0; start < items.length; start += itemsPerBatch) builder.add(items.slice(start, start + itemsPerBatch));
    return builder.finish().then((chunks) => ({ name, mode: named.mode, items: items.length, chunks }));
  }

  #decode(bytes: Uint8Array, chunkName: string): readonly unknown[] {
    const [header, ...batches] = decode(bytes, stateLimits) as readonly unknown[];
    if (!Array.isArray(header) || header[0] !== formatVersion) {
      throw new MillraceError('STATE_UNREADABLE', `A chunk is not operator state of format version ${formatVersion}.`, {
        domain: 'external',
        recovery: 'fail-job',
        where: `${this.#options.operatorName}, chunk ${chunkName}`,
        hint: 'It was written by another version of Millrace.',
      });
    }
    return (batches as readonly (readonly unknown[])[]).flat();
  }

  #named(name: string, mode: OperatorStateMode): NamedState {
    const known = this.#states.get(name);
    if (known?.mode === mode) return known;
    if (known !== undefined) {
      throw new MillraceError(
        'STATE_KIND_CLASH',
        `State ${JSON.stringify(name)} is a state of kind ${kinds[known.mode]} and cannot be used as one of kind ${kinds[mode]}.`,
        {
          domain: 'user',
          recovery: 'fail-job',
          where: this.#options.operatorName,
          hint: 'Give the new state another name, or restore from nothing.',
        },
      );
    }
    const { isObjectReuse } = this.#options;
    const place = this.#placeOf(name);
    const named: NamedState =
      mode === 'broadcast'
        ? { mode, state: new BroadcastMap(place, isObjectReuse) }
        : { mode, state: new OperatorList<unknown>(place, isObjectReuse) };
    this.#states.set(name, named);
    return named;
  }

  #placeOf(name: string): string {
    return `${this.#options.operatorName}, state ${JSON.stringify(name)}`;
  }
}

function itemsOf({ mode, state }: NamedState): readonly unknown[] {
  return mode === 'broadcast' ? Array.from(state.entries(), ([key, value]) => [packKey(key), value]) : state.get();
}

function putBack({ mode, state }: NamedState, item: unknown): void {
  if (mode !== 'broadcast') {
    state.add(item);
    return;
  }
  const [key, value] = item as readonly [unknown, unknown];
  state.put(unpackKey(key), value);
}
