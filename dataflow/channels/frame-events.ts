/** Events and control as frames: a head and a few items. */
import { decode, encode, wireLimits } from '../../bus/codec/cbor.js';
import type { ChannelId, CheckpointId, OperatorId } from '../../core/ids.js';
import type { ChannelControl, StreamEvent } from './elements.js';
import { frameKinds, type FrameHeader } from './frame-codec.js';
import { headerTemplate, writeUint64 } from './frame-header.js';

/** Events and control hold a channel id and a few short items. */
const smallFrameBytesMax = 2_048;
/** Version, channel id, sequence number, kind. */
const itemsBeforeBody = 4;

/** The kind, then the body. */
type SmallItems = readonly [kind: number, ...body: (number | string)[]];

export function encodeEvent(channelId: ChannelId, seq: number, event: StreamEvent): Uint8Array {
  return smallFrame(channelId, seq, eventItems(event));
}

export function encodeControl(channelId: ChannelId, control: ChannelControl): Uint8Array {
  return smallFrame(channelId, 0, controlItems(control));
}

/** Undefined when it is none. */
export function decodeEvent(payload: Uint8Array, header: FrameHeader): StreamEvent | undefined {
  const items = smallItems(payload);
  if (items === undefined) return undefined;
  const [first, second, third] = items;
  switch (header.kind) {
    case frameKinds.watermark:
      return typeof first === 'number' ? { kind: 'watermark', time: first } : undefined;
    case frameKinds.watermarkStatus:
      return first === 0 || first === 1 ? { kind: 'watermark-status', isIdle: first === 1 } : undefined;
    case frameKinds.barrier:
      return isCount(first) && typeof second === 'number'
        ? { kind: 'barrier', checkpointId: first as CheckpointId, triggeredAt: second, isFinal: third === 1 }
        : undefined;
    case frameKinds.cancelBarrier:
      return isCount(first) ? { kind: 'cancel-barrier', checkpointId: first as CheckpointId } : undefined;
    case frameKinds.endOfData:
      return { kind: 'end-of-data' };
    case frameKinds.endOfPartition:
      return { kind: 'end-of-partition' };
    case frameKinds.latencyMarker:
      return typeof first === 'number' && typeof second === 'string' && isCount(third)
        ? { kind: 'latency-marker', markedAt: first, operatorId: second as OperatorId, subtask: third }
        : undefined;
    default:
      return undefined;
  }
}

/** Undefined when it is none. */
export function decodeControl(payload: Uint8Array, header: FrameHeader): ChannelControl | undefined {
  const items = smallItems(payload);
  if (items === undefined) return undefined;
  const [first, second] = items;
  switch (header.kind) {
    case frameKinds.grant:
      return isCount(first) && isCount(second) ? { kind: 'grant', grantedUpTo: first, receivedUpTo: second } : undefined;
    case frameKinds.beat:
      return isCount(first) && isCount(second) ? { kind: 'beat', sentUpTo: first, backlog: second } : undefined;
    case frameKinds.closeBySender:
      return { kind: 'close-by-sender' };
    case frameKinds.closeByReceiver:
      return { kind: 'close-by-receiver' };
    default:
      return undefined;
  }
}

/** A frame whose body is a few items. */
function smallFrame(channelId: ChannelId, seq: number, [kind, ...items]: SmallItems): Uint8Array {
  const template = headerTemplate(channelId, kind, itemsBeforeBody + items.length);
  const body = items.map((item) => encode(item));
  const frame = new Uint8Array(body.reduce((bytes, part) => bytes + part.length, template.bytes.length));
  frame.set(template.bytes);
  writeUint64(frame, template.seqOffset, seq);
  let position = template.bytes.length;
  for (const part of body) {
    frame.set(part, position);
    position += part.length;
  }
  return frame;
}

/** The kind of an event and the items of its body. */
function eventItems(event: StreamEvent): SmallItems {
  switch (event.kind) {
    case 'watermark':
      return [frameKinds.watermark, event.time];
    case 'watermark-status':
      return [frameKinds.watermarkStatus, event.isIdle ? 1 : 0];
    case 'barrier':
      return [frameKinds.barrier, event.checkpointId, event.triggeredAt, event.isFinal ? 1 : 0];
    case 'cancel-barrier':
      return [frameKinds.cancelBarrier, event.checkpointId];
    case 'end-of-data':
      return [frameKinds.endOfData];
    case 'end-of-partition':
      return [frameKinds.endOfPartition];
    case 'latency-marker':
      return [frameKinds.latencyMarker, event.markedAt, event.operatorId, event.subtask];
  }
}

function controlItems(control: ChannelControl): SmallItems {
  switch (control.kind) {
    case 'grant':
      return [frameKinds.grant, control.grantedUpTo, control.receivedUpTo];
    case 'beat':
      return [frameKinds.beat, control.sentUpTo, control.backlog];
    case 'close-by-sender':
      return [frameKinds.closeBySender];
    case 'close-by-receiver':
      return [frameKinds.closeByReceiver];
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** The items of a small frame after the head, or undefined when it does not decode. */
function smallItems(payload: Uint8Array): readonly unknown[] | undefined {
  if (payload.length > smallFrameBytesMax) return undefined;
  try {
    const items = decode(payload, wireLimits);
    return Array.isArray(items) ? items.slice(4) : undefined;
  } catch {
    return undefined;
  }
}
