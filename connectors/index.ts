/** Sources and sinks, and what it takes to write one's own; the package root exports it. */
export { batchSource, type BatchRead, type BatchSourceOptions } from './batch-source.js';
export { collectionSource, type CollectionOptions } from './collection-source.js';
export { generatorSource, type GeneratorOptions } from './generator-source.js';
export { sequenceSource, type SequenceOptions } from './sequence-source.js';
export { throttled, type ThrottleOptions } from './throttled-source.js';
export {
  csvSource,
  fileSource,
  jsonArraySource,
  ndjsonSource,
  textLinesSource,
  type FilePaths,
  type FileSourceOptions,
} from './files/file-source.js';
export { malformedRows, type MalformedPolicy, type MalformedRow } from './malformed-row.js';
export { byteMessages, jsonMessages, textMessages, type MessageFormat, type MessageOrigin } from './formats/message-format.js';
export type { NatsServerOptions } from './nats/nats-connection.js';
export type { NatsAuthentication, NatsTls } from '../bus/transports/nats/connect.js';
export { jetStreamSource, type JetStreamSourceOptions } from './nats/jetstream-source.js';
export { redisStreamSource, type RedisFieldFormat, type RedisStreamSourceOptions } from './redis/redis-stream-source.js';
export type { TrimmedPolicy } from './trimmed-policy.js';
export type { DecodeOutcome, FileFormat, FormatFile, RecordDecoder } from './formats/format.js';
export { csv, type CsvOptions } from './formats/csv-format.js';
export type { CsvColumns, CsvColumnType, CsvRow } from './formats/csv-columns.js';
export { jsonArray } from './formats/json-array-format.js';
export { ndjson } from './formats/ndjson-format.js';
export { textLines } from './formats/text-format.js';
export { fileSink, type FileSinkOptions } from './sinks/files/file-sink.js';
export { jetStreamSink, type JetStreamSinkOptions } from './nats/jetstream-sink.js';
export type { RollingPolicy } from './sinks/files/rolling-policy.js';
export { TwoPhaseCommitWriter, type Recovery } from './sinks/two-phase-commit-writer.js';
