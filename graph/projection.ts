/**
 * Projection: which fields of its records an edge has to carry.
 *
 * PJ1  An edge carries every field that its target looks at, or anything behind that gets the same records. Where that is
 *      not known of one of them, it carries all.
 * PJ2  The answer depends on what was declared and connected only: not on chains, parallelism or partitioners. So an
 *      operator gets the same records wherever its producer runs.
 * PJ3  A keyed operator makes the key again from the record it got: the fields of the key travel to it. Others need them
 *      only where the key is made, at the sender.
 * PJ4  Fields are in the order of their use: the key's, the operator's own, those used behind it; each once. But names that
 *      are array indices (`'2'`) come first, ascending: no object has its fields in any other order.
 */
import type { Topology } from './topology.js';
import type { FieldUse, StreamEdge, StreamNode } from './types.js';

/** Undefined: all. */
type Fields = readonly string[] | undefined;

/** What each edge of a graph carries; undefined: all that the records have. */
export function fieldsOfEdges<Factory, KeySelector>(
  topology: Topology<Factory, KeySelector>,
): ReadonlyMap<StreamEdge<KeySelector>, readonly string[] | undefined> {
  const carried = new Map<StreamEdge<KeySelector>, Fields>();
  /** Those that have to be there where the edge begins. */
  const asked = (edge: StreamEdge<KeySelector>): Fields => union(isKeyRouted(edge) ? edge.keyFields : [], carried.get(edge));
  const usedBy = ({ id }: StreamNode, fieldUse: FieldUse | undefined): Fields => {
    if (fieldUse === undefined) return undefined;
    return fieldUse.isPassedOn ? topology.outputsOf(id).map(asked).reduce(union, fieldUse.fields) : fieldUse.fields;
  };
  for (const node of topology.nodes.toReversed()) {
    const used = [usedBy(node, node.fieldUse), usedBy(node, node.secondFieldUse)];
    for (const edge of topology.inputsOf(node.id)) {
      const ofInput = used[edge.inputIndex];
      carried.set(edge, inOrderOfObjects(isKeyMadeAgain(node, edge) ? union(edge.keyFields, ofInput) : ofInput));
    }
  }
  return carried;
}

/** PJ3. Broadcast records have no key, though the operator they come to is keyed. */
const isKeyMadeAgain = (node: StreamNode, edge: StreamEdge): boolean => node.isKeyed && edge.partitioner === 'HASH';

const isKeyRouted = ({ partitioner }: StreamEdge): boolean => partitioner === 'HASH' || partitioner === 'CUSTOM';

function union(left: Fields, right: Fields): Fields {
  return left === undefined || right === undefined ? undefined : [...new Set([...left, ...right])];
}

const arrayIndexMax = 2 ** 32 - 2;

const isArrayIndex = (name: string): boolean => /^(?:0|[1-9]\d{0,9})$/.test(name) && Number(name) <= arrayIndexMax;

/** As JavaScript enumerates the fields of an object that was given them in this order (PJ4). */
export function inOrderOfObjects(fields: Fields): Fields {
  if (fields === undefined) return undefined;
  const indices = fields.filter(isArrayIndex).sort((left, right) => Number(left) - Number(right));
  return [...indices, ...fields.filter((name) => !isArrayIndex(name))];
}
