/**
 * What a stream graph must be before it is planned.
 *
 * GV1  Every refusal has a code of its own, names the operator and says what to do.
 * GV2  A graph that passes can be planned: planning itself has no error but data that cannot be compared.
 */
import type { MillraceError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { shortened } from '../core/shortened.js';
import { checkMaxParallelism } from './key-groups.js';
import { checkFields } from './field-names.js';
import { graphError } from './graph-error.js';
import type { StreamEdge, StreamGraph, StreamNode } from './types.js';

/** Refuses a graph that cannot run. */
export function validateStreamGraph(graph: StreamGraph): void {
  if (!graph.nodes.some((node) => node.kind === 'source')) {
    throw graphError('GRAPH_NO_SOURCES', `Job "${graph.jobName}" reads nothing: it has no source.`, {
      hint: 'Begin with env.fromData, env.fromSource or another source.',
    });
  }
  checkIdentity(graph);
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const edge of graph.edges) checkEdge(edge, nodes);
  for (const node of graph.nodes) checkNode(node, graph.edges);
}

/** Ids come from uids and given names, so both must be unique. */
function checkIdentity(graph: StreamGraph): void {
  const ids = new Set<number>();
  const uids = new Map<string, string>();
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (ids.has(node.id))
      throw graphError('GRAPH_NODE_DUPLICATE', `Two operators have the number ${node.id}.`, {
        where: node.name,
        hint: 'Build graphs with defineJob.',
      });
    ids.add(node.id);
    if (node.name.trim() === '')
      throw graphError('OPERATOR_NAME_EMPTY', 'The name of an operator is empty.', {
        where: node.type,
        hint: 'Give it a name that says what it does.',
      });
    if (node.name.length > limits.operatorNameMax) throw nameTooLong(node.name);
    if (node.uid !== undefined) {
      const other = uids.get(node.uid);
      if (node.uid === '')
        throw graphError('UID_EMPTY', 'The uid is empty.', {
          where: node.name,
          hint: 'Leave uid() out, or give it a text that stays the same for the life of the job.',
        });
      if (other !== undefined) {
        throw graphError('UID_DUPLICATE', `uid "${node.uid}" is used by "${other}" and by "${node.name}".`, {
          where: node.name,
          hint: 'Give every operator a uid of its own.',
        });
      }
      uids.set(node.uid, node.name);
    } else if (node.isNamed) {
      if (names.has(node.name)) {
        throw graphError('NAME_DUPLICATE', `Two operators are named "${node.name}", so their state could not be told apart.`, {
          where: node.name,
          hint: 'Give one of them another name, or both a uid().',
        });
      }
      names.add(node.name);
    }
  }
}

function nameTooLong(name: string): MillraceError {
  const shown = shortened(name, 40);
  return graphError('OPERATOR_NAME_TOO_LONG', `The name "${shown}" has ${name.length} characters; ${limits.operatorNameMax} are allowed.`, {
    where: shown,
    hint: 'Give the operator a short name: it is repeated wherever the job is shown.',
  });
}

function checkEdge(edge: StreamEdge, nodes: ReadonlyMap<number, StreamNode>): void {
  const source = nodes.get(edge.source);
  const target = nodes.get(edge.target);
  if (source === undefined || target === undefined) {
    throw graphError('GRAPH_EDGE_DANGLING', `An edge leads from ${source?.name ?? 'nowhere'} to ${target?.name ?? 'nowhere'}.`, {
      hint: 'Streams of one job cannot be used in another.',
    });
  }
  if (source.kind === 'sink' && edge.sideOutput === undefined)
    throw graphError('SINK_WITH_OUTPUT', `Sink "${source.name}" feeds "${target.name}".`, {
      where: source.name,
      hint: 'A sink is the end of a stream; only its dead letters go on.',
    });
  if (target.kind === 'source')
    throw graphError('SOURCE_WITH_INPUT', `Source "${target.name}" has an input.`, {
      where: target.name,
      hint: 'A source is the beginning of a stream.',
    });
  if ((edge.partitioner === 'HASH' || edge.partitioner === 'CUSTOM') && edge.keySelector === undefined) {
    throw graphError('KEY_SELECTOR_MISSING', `The stream into "${target.name}" is partitioned by key, but nothing tells the key.`, {
      where: target.name,
      hint: "Use keyBy('field') or keyBy(record => key).",
    });
  }
  if (edge.keyFields !== undefined) checkFields(edge.keyFields, `keyBy before ${target.name}`);
  if (edge.partitioner === 'FORWARD' && source.parallelism !== target.parallelism) {
    throw graphError(
      'FORWARD_PARALLELISM',
      `forward() from "${source.name}" (parallelism ${source.parallelism}) to "${target.name}" (parallelism ${target.parallelism}) cannot change the parallelism.`,
      { where: target.name, hint: 'Set the same parallelism on both, or use rebalance().' },
    );
  }
}

function checkNode(node: StreamNode, edges: readonly StreamEdge[]): void {
  for (const use of [node.fieldUse, node.secondFieldUse]) if (use !== undefined) checkFields(use.fields, node.name);
  if (!Number.isSafeInteger(node.parallelism) || node.parallelism < 1) {
    throw graphError('PARALLELISM_INVALID', `${node.parallelism} is not a parallelism.`, {
      where: node.name,
      hint: 'Use a whole number from 1.',
    });
  }
  if (node.maxParallelism !== undefined) checkMaxParallelism(node.maxParallelism, node.name);
  checkMaxParallelism(Math.max(node.parallelism, node.maxParallelism ?? 1), node.name);
  if (node.maxParallelism !== undefined && node.parallelism > node.maxParallelism) {
    throw graphError(
      'PARALLELISM_ABOVE_MAXIMUM',
      `Parallelism ${node.parallelism} exceeds the maximum parallelism ${node.maxParallelism}.`,
      {
        where: node.name,
        hint: 'Lower setParallelism() or raise setMaxParallelism(); the maximum is fixed once there is state.',
      },
    );
  }
  const inputs = edges.filter((edge) => edge.target === node.id);
  if (node.kind === 'source') {
    if (edges.every((edge) => edge.source !== node.id)) {
      throw graphError('SOURCE_UNCONNECTED', `Nothing uses source "${node.name}".`, {
        where: node.name,
        hint: 'Connect it to an operator or sink, or remove it.',
      });
    }
  } else if (inputs.length === 0) {
    throw graphError('OPERATOR_UNCONNECTED', `"${node.name}" has no input.`, {
      where: node.name,
      hint: 'Connect it to a stream, or remove it.',
    });
  }
  if (node.isKeyed && inputs.some((edge) => !isKeyedInput(edge))) {
    throw graphError('KEYED_INPUT_MISSING', `"${node.name}" has keyed state, but an input of it is not partitioned by key.`, {
      where: node.name,
      hint: "Put keyBy('field') or keyBy(record => key) before it.",
    });
  }
}

/** Beside records by key, a second input may bring what concerns all keys to every subtask. */
function isKeyedInput({ partitioner, inputIndex }: StreamEdge): boolean {
  return partitioner === 'HASH' || (inputIndex > 0 && partitioner === 'BROADCAST');
}
