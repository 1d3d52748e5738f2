/**
 * Stable ids of operators: what connects an operator to its state across restarts and new versions of a job.
 *
 * OI1  With a uid, the id depends on the uid only. With a given name, on the name only.
 * OI2  Otherwise on type, default name and all inputs: an edit upstream changes it, so that state left behind is reported
 *      as unmapped and never given to another operator. (Flink: StreamGraphHasherV2.)
 * OI3  Ids of one job are distinct.
 */
import { createHash } from 'node:crypto';
import type { OperatorId } from '../core/ids.js';
import { graphError } from './graph-error.js';
import type { Topology } from './topology.js';
import type { StreamNode } from './types.js';

/** Ids by node number. */
export function operatorIdsOf(topology: Topology): ReadonlyMap<number, OperatorId> {
  const ids = new Map<number, OperatorId>();
  const used = new Map<OperatorId, string>();
  for (const node of topology.nodes) {
    const id =
      node.uid !== undefined ? idOfUid(node.uid) : node.isNamed ? hashed('name', node.name) : topologicalId(node, topology, ids, used);
    const other = used.get(id);
    if (other !== undefined) {
      throw graphError('OPERATOR_ID_COLLISION', `"${node.name}" and "${other}" have the same id ${id}.`, {
        where: node.name,
        hint: 'Give one of them another uid().',
      });
    }
    ids.set(node.id, id);
    used.set(id, node.name);
  }
  return ids;
}

/** The id of the operator with this uid. */
export function idOfUid(uid: string): OperatorId {
  return hashed('uid', uid);
}

/** Twins (same type and inputs) are told apart by their order. */
function topologicalId(
  node: StreamNode,
  topology: Topology,
  ids: ReadonlyMap<number, OperatorId>,
  used: ReadonlyMap<OperatorId, string>,
): OperatorId {
  const inputs = topology
    .inputsOf(node.id)
    .map((edge) => [ids.get(edge.source), edge.partitioner, edge.inputIndex, edge.sideOutput ?? null]);
  for (let twin = 0; ; twin += 1) {
    const id = hashed('place', JSON.stringify([node.kind, node.type, node.name, inputs, twin]));
    if (!used.has(id)) return id;
  }
}

function hashed(rule: string, text: string): OperatorId {
  return createHash('sha256').update(`${rule}:${text}`).digest('hex').slice(0, 32) as OperatorId;
}
