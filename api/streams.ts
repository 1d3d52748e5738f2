/** The streams of the API; importing them from here makes all kinds known to each other. */
export { BroadcastConnectedStream, BroadcastStream, KeyedBroadcastConnectedStream } from './streams/broadcast-stream.js';
export { ConnectedStreams, KeyedConnectedStreams } from './streams/connected-streams.js';
export { DataStream } from './streams/data-stream.js';
export { IntervalJoin, IntervalJoined } from './streams/interval-join.js';
export { KeyedStream } from './streams/keyed-stream.js';
export { SingleOutputStream } from './streams/single-output-stream.js';
export { StreamSink } from './streams/stream-sink.js';
