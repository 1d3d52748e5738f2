/**
 * Every bound of the runtime, with the sum that justifies it. A queue, retry or batch without a name here is a defect.
 */
const kib = 1024;
const mib = 1024 * kib;

export const limits = {
  /** Key groups fit 15 bits, as in Flink. */
  maxParallelismMax: 32_768,
  /** A frame is flushed at this size; nats.js is fastest between 8 and 32 KiB a message. */
  frameBytesTarget: 16 * kib,
  /** The same between two slots of a process, where posting costs more than copying: as much as fits a segment, with an eighth to spare as sizes are estimated. */
  peerFrameBytesTarget: 28 * kib,
  /** What travels of a frame at once, and what one credit stands for: the most that nats.js is still fast with, twice the usual frame. */
  segmentBytes: 32 * kib,
  /** The largest frame, so the largest record: 2,048 segments; sender and receiver each hold one such record a channel. */
  frameBytesMax: 64 * mib,
  /** Bytes of a frame that a message must have room for beside its head, which repeats the channel's id: below, heads outweigh what they carry. */
  pieceBytesMin: 128,
  /** Buffers of a channel that are its own, as in Flink: one being read, one on the way. */
  exclusiveBuffersPerChannel: 2,
  /** Buffers that the channels of a gate share, as in Flink: for the round trip of those with most to send. */
  floatingBuffersPerGate: 8,
  /** As many as a gate comes to whose frames are read fast: 2 MiB, some ten thousand records. Hot keys of Nexmark move every few thousand. */
  floatingBuffersPerGateMax: 64,
  /** What waits in the floating buffers of a gate is read in this time, beyond the buffers that it has at rest: so much later do barriers come. */
  gateDepthMs: 100,
  /** Data frames of a channel that may wait for credit before its task holds back: they are the backlog that brings floating buffers. With 1, a keyed count over NATS ran at 0.85 of what it did with 4; 8 brought nothing more. */
  waitingFramesPerChannel: 4,
  /** As many of all channels of a task, beside two each: as Flink sizes the buffers of its outputs. */
  waitingFramesPerTask: 8,
  /** Bytes of frames all slots of a process may have granted, in equal shares: nats-server cuts a client with 64 MiB pending for it, and the connection of a slot has at most a quarter of that pending, even if the slot is the only one. */
  grantBytesPerProcess: 16 * mib,
  /** Segments that the frames of all slots of a process leave in over NATS, 16 MiB: as much as its receivers may have granted. */
  segmentsPerProcess: 512,
  /** Of one slot, 1 MiB: half of them may hold frames that wait for credit, and as many as may be on the way unasked for. */
  segmentsPerSlotMin: 32,
  /** Segments published before the server is asked which of them it has: 256 KiB of frames of the usual size. */
  segmentsUnaskedMax: 16,
  /** Bytes of frames on their way from a slot to nats-server at which it stops sending, and at which it goes on: the kernel's buffers and a round trip at full rate take less than the lower one; the upper one is what the connection of a slot keeps in memory, 64 MiB for 16 slots. What the server holds for a receiver is bounded by what that one granted. */
  outboundHighBytes: 4 * mib,
  outboundLowBytes: mib,
  /** Tries of a slot to connect for its frames before it counts as not started: with their pauses 6.3 s, and as long as refusals take. */
  slotConnectAttemptsMax: 7,
  /** How long a slot may be without its connection for frames: as long as a TaskManager may be silent, and half of what a sender that ended waits for its receiver. */
  slotDisconnectedMs: 5_000,
  /** Records a same-slot frame holds: they are handed over by reference, so their bytes are not known. */
  recordsPerFrameMax: 1_024,
  /** Bytes a task may emit past its credit for the record it is processing, before `collect` fails; the frame that goes beyond is let through. */
  overdraftBytesMax: 4 * mib,
  /** Elements of a channel that wait to be read, before latency markers among them are dropped: eight times its frames. */
  markersQueuedMax: 64,
  /** Latency markers of a task that wait for the buffer timeout: those of 256 source subtasks at once; more are dropped. */
  markersHeldMax: 256,
  /** Latency histograms of a task, with up to 448 buckets each: 0.5 MiB, and 56 Ki numbers in its report, which leaves some out where a message holds less. */
  latencyPairsPerTask: 64,
  /** Metrics that the functions of a task keep, and characters of their names: 32 of at most 340 bytes, so 11 KiB of a report that has 32 KiB at least. */
  metricsPerTask: 32,
  metricNameMax: 64,
  /** Metrics of functions that are shown of a job: 256 of them take 85 KiB at most. */
  functionMetricsShown: 256,
  /** Accumulators of a task, characters of their names and types, and bytes of all of them: with the metrics 27 KiB of a report that has 32 KiB at least. */
  accumulatorsPerTask: 64,
  accumulatorNameMax: 64,
  accumulatorBytesPerTask: 16 * kib,
  /** Accumulators of a job, merged: half of the smallest message. */
  accumulatorBytesPerJob: 32 * kib,
  /** Reports of the tasks of a slot in one message: the fullest of one task, with counts of up to 3 bytes; there are parts when they take more. */
  reportBytesMax: 256 * kib,
  /** Channels a task reports, the fullest of its inputs and of its outputs: enough to see who is slow. */
  channelsReported: 4,
  /**
   * Windows that one record may be in: a month by the second is 2.7 million. Each gives results of its own, so at a million
   * a second one record takes four seconds of a task; a slide in milliseconds by mistake would take days.
   */
  windowsOfRecordMax: 4 * 1024 * 1024,
  /** The same for assigners that users write, whose windows are found one by one in the set of their key: 10,000 took a second a record. */
  customWindowsOfRecordMax: 1_024,
  /** Keys and slices that a task folds ahead of their windows: about 200 bytes each, so 6 MiB, and some 20 ms to hand on before a barrier. */
  preAggregatedKeysMax: 32_768,
  /** Characters of the name of an operator, as it was given: at most 3 bytes each, so 256 latencies of two names each take 196 KiB. */
  operatorNameMax: 128,
  /** Characters of the name of a task, which is made of those of its operators: longer ones end in an ellipsis. */
  taskNameMax: 256,
  /** Channels of a job that are shown: 512 of about 90 bytes. */
  channelsShown: 512,
  /** Operators of a job whose event time is shown: 256 of about 400 bytes. */
  eventTimesShown: 256,
  /** Latencies of a job that are shown: 256 pairs of about 220 bytes, at most a KiB with the longest names. */
  latenciesShown: 256,
  /** Steps of the task loop in a slice where work takes no time. */
  stepsPerSlice: 256,
  /** State entries serialised between two slices of records: about a millisecond. */
  snapshotEntriesPerSlice: 2_048,
  /** Time one slice may take. */
  sliceMs: 5,
  /** A control message over the bus: nats-server's default maximum less the subject. */
  controlMessageBytesMax: mib - 16 * kib,
  /** Bytes of an answer that are not its content: names of its fields, and the subject. */
  answerOverheadBytes: kib,
  /** What a message of the bus must be able to carry: ordinary job graphs and deployments take a few KiB, large ones ten times that. */
  payloadBytesMin: 64 * kib,
  /** Chunk of job code or of a blob on the bus, where its messages carry that much; else half a message. */
  blobChunkBytes: 512 * kib,
  /** Job code: 64 chunks, or 1,024 of the smallest size. */
  blobBytesMax: 32 * mib,
  /** How long a call of user code may be waited for before that is said: most settle in milliseconds, a connection takes seconds. */
  userCallSlowMs: 10_000,
  /** Such calls that are shown with how a job stands: one a task, the oldest ones; a few say where to look. */
  unsettledShown: 8,
  /** How long a function may take to open, where a job is submitted from a checkpoint, before it counts as one whose states are not known: as long as an ask to the cluster. */
  askedStatesMs: 5_000,
  /** Keys looked at for expired values with each access to a state with a time to live (Flink's default): every key is looked at once in a fifth as many accesses as there are keys. */
  ttlEntriesPerAccess: 5,
  /** State chunks: large enough to amortise a round trip, small enough to stay below Redis' sweet spot. */
  stateChunkBytesMin: 256 * kib,
  stateChunkBytesMax: mib,
  /** Operator state that travels in messages; more goes into chunks: acknowledgement and deployment then hold 16 operators. */
  inlineStateBytesMax: 32 * kib,
  /** Chunks a task has under way to the store: two hide a round trip, two more a slow disk; 4 MiB a task. */
  chunkWritesInFlightMax: 4,
  /** State entries serialised before the writes under way are looked at again: one batch of rows. */
  snapshotEntriesPerBatch: 256,
  /** CBOR nesting on the control plane: real messages stay below 16. */
  cborDepthMax: 64,
  /** CBOR bignums: a 128 KiB one blocks cbor-x for 3 s; 1 KiB costs microseconds. */
  cborBignumBytesMax: kib,
  /** Work of decoding one message from the bus, in units of about 20 ns: below 10 ms; a MiB of ordinary records stays below. */
  cborWorkMax: 400_000,
  /** Ids remembered for de-duplication per receiver: 30 s of 100 messages a second. */
  deduplicationIdsMax: 4_096,
  /** Answers kept for repeated asks, all together: a few code chunks, or thousands of ordinary answers. */
  rememberedAnswersBytesMax: 8 * mib,
  /** Requests from the bus that a slot has not answered, before the oldest is given up: its asker timed out long ago. */
  unansweredRequestsMax: 4_096,
  /** Dead letters kept for inspection. */
  deadLettersKept: 256,
  /** Aborted checkpoints a task remembers until a later one begins: their barriers may still be on the way. */
  abortedCheckpointsRemembered: 128,
  /** What `collect` gathers for the result of a job, all subtasks together: it crosses the bus in one message. */
  collectedBytesMax: 256 * kib,
  /** A page of the list of jobs: half of what a message holds, so that the last job of a page may be a large one. */
  jobListPageBytes: 512 * kib,
  /** Results of ended jobs the leader holds, all together: what jobs collected is up to 256 KiB each. */
  jobResultsBytesMax: 64 * mib,
  /** Results forgotten in one change of the store. */
  resultsRemovedAtOnceMax: 512,
  /** Attempts of an execution kept in history, as in Flink. */
  attemptsHistory: 16,
  /** Failures kept in a job's exception history, as in Flink; also failures concurrent with one of them. */
  exceptionHistory: 16,
  /** Characters of each text of a failure in a history: 16 first causes and 256 others then take little more than half a MiB. */
  exceptionTextMax: 1_024,
  /** How often in a row a slot may fail to start its thread before its job fails: with the pauses in between, 8 s. */
  slotStartFailuresMax: 6,
  /** Past attempts of a job that are shown, the latest. */
  attemptsShown: 64,
  /** Subtasks of a job that are shown with their counters: at most about 600 bytes each, usually a third. */
  subtasksShown: 1_000,
  /** How long an ask waits for its answer when the asker does not say: below the heartbeat timeout of 5 s. */
  askTimeoutMs: 3_000,
  /** Pause before an ask is tried again: nats.js reconnects after 250 ms, so a few tries bridge that. */
  askRetryDelayMs: 100,
  /** Splits of one message: the list of a big source goes in parts that the bus takes easily. */
  splitPartBytesMax: 256 * kib,
  /** Between two questions of a source reader whether splits without a reader hold time: twice as long each time, from what a first watermark may wait to what 1,000 readers may ask a second. */
  splitTimesPauseMinMs: 25,
  splitTimesPauseMaxMs: 1_000,
  /** Between two periodic emissions of watermarks, unless configured: Flink's. */
  autoWatermarkIntervalMs: 200,
  /**
   * Records for each output channel of a task after which the watermark is brought up to them before its period has gone by: at
   * 2 M records a second a period has 400,000 records, and what waits for time would be beyond every cache. A watermark
   * costs about as much as 50 records.
   */
  recordsPerWatermark: 8_192,
  /** Answers that say the receiver broke, before a persistent ask takes them for a refusal. */
  brokenAnswersMax: 5,
  /** After a reconnection, healthy peers may have no responders for so long. */
  reconnectGraceMs: 3_000,
  /** Pause between tries meanwhile: above nats.js' reconnect wait of 250 ms and its jitter of 50 ms. */
  reconnectedRetryDelayMs: 350,
  /** A control ask is tried this often before its failure counts. */
  askAttemptsMax: 3,
  /** A file is read in blocks of this size: beyond it the disk gets no faster, and a block is decoded in about a millisecond. */
  sourceBlockBytes: 256 * kib,
  /** Blocks read ahead of a source reader: 1 MiB a reader hides the disk's latency. */
  sourceBlocksAheadMax: 4,
  /** What is read past the end of a range at a time: only the rest of one record is wanted. */
  sourceTailBytes: 16 * kib,
  /** A record of a file source: eight times what a frame can carry, so that a map may still shrink it. */
  sourceRecordBytesMax: 8 * mib,
  /** Bytes of CSV parsed at a time: half a millisecond, a tenth of a slice. */
  csvBatchBytes: 16 * kib,
  /** Byte ranges of a split file: not worth asking for below, and a slow reader holds up the end above. */
  splitBytesMin: mib,
  splitBytesMax: 64 * mib,
  /** Ranges of a file per reader: a reader twice as slow as the others then costs an eighth of the run. */
  splitsPerReader: 4,
  /** Keys of each of the two inputs of a subtask that come before it counts as a mistake that none of one is of a type of the other: more than come by chance from keys of several types. */
  keysComparedMax: 32,
  /** Fields of a record that an error about it names, and characters of all of that: a line and a half of a terminal. */
  recordOutlineFieldsMax: 12,
  recordOutlineMax: 256,
  /** Characters of a malformed row that errors and side outputs repeat. */
  malformedTextMax: 1_024,
  /** Tries of a connector to reach its server before its attempt fails: with their pauses 6.3 s, so that a server may restart. */
  connectorConnectAttemptsMax: 7,
  /** How long a connector waits for a connection it lost, and a sink tries to commit, before its attempt fails: a restart of a server takes seconds. */
  connectorAwayMs: 60_000,
  /** Pause before a connector asks NATS again: nats.js reconnects after 250 ms, and up to 50 ms of jitter. */
  connectorRetryMs: 300,
  /** Pause of nats.js before it reconnects: a restarted server is back within some of these, and a cluster of them is not stormed. */
  connectorNatsReconnectMs: 250,
  /** Of one try to connect to Redis: a server in reach answers in milliseconds; a machine that is gone never does, and its connect would take minutes. */
  connectorRedisConnectMs: 5_000,
  /** First and longest pause between tries to connect to Redis, twice as long each time: seven tries are the 6.3 s of a restart. */
  connectorRedisPauseMinMs: 100,
  connectorRedisPauseMaxMs: 3_200,
  /** How long a command that waits for an entry of a Redis stream takes at most: so long does closing take when the connection hangs. */
  redisBlockMs: 2_000,
  /** How long JetStream keeps a request for messages: well above a network's delay, so that a quiet stream costs two requests a minute, and below `consumerInactiveMs`, so that they keep its consumer. */
  jetStreamPullMs: 30_000,
  /** First and longest pause before a request over HTTP is tried again, twice as long each time: a hiccup costs a tenth of a second, a server that is down gets 12 tries a minute. */
  sinkHttpPauseMinMs: 100,
  sinkHttpPauseMaxMs: 5_000,
  /** How long nats-server keeps a consumer of JetStream that nobody asks: as long as its reader may be away. */
  consumerInactiveMs: 60_000,
  /** Messages and bytes that a source of messages asks for ahead of what it emits: a millisecond of work, and a round trip hidden; of large messages at least a few. */
  messagesAheadMax: 1_024,
  messageBytesAheadMax: 4 * mib,
  messagesAheadMin: 8,
  /** Messages, and bytes of them, that wait in a reader that cannot ask for them again, before further ones are dropped: a second of a busy subject. */
  liveMessagesMax: 65_536,
  liveBytesMax: 32 * mib,
  /** How often a source of messages looks whether what it waits for was lost on the way, and tells how far it has seen. */
  messageCheckMs: 5_000,
  /** A file sink writes blocks of this size. */
  sinkBlockBytes: 64 * kib,
  /** Bytes a sink holds for a slow disk before it holds back its input: 64 blocks. */
  sinkPendingBytesMax: 4 * mib,
  /** Bytes of a transaction that is kept in checkpoints until it is committed: in memory with its encoding and its chunks, 96 MiB. */
  sinkTransactionBytesMax: 32 * mib,
  /** Messages published before their acknowledgements are awaited: as many round trips are saved. */
  sinkPublishWindow: 256,
  /** Bytes of them: half of what nats-server holds of a client before it counts as slow. */
  sinkPublishWindowBytes: 4 * mib,
  /** Bytes of the headers that the sink and the client add to a message: id, expected stream, and what frames them. */
  sinkHeaderBytes: 512,
  /** Subjects a sink remembers as taken by its stream; then it forgets them all: 512 KiB. */
  sinkSubjectsKnownMax: 4_096,
  /** How long one answer of the server of a sink may take. */
  sinkAnswerMs: 5_000,
  /** Messages of a stream read at once when a sink looks for what it wrote; they come without their payload. */
  sinkReadBackBatch: 1_000,
  /** Words of one command for Redis: Lua hands over at most 8,000 at once. */
  sinkCommandWordsMax: 4_000,
  /** Words and bytes of commands in one call of a script, which keeps Redis from everything else: about a millisecond. */
  sinkScriptWordsMax: 2_048,
  sinkScriptBytes: 256 * kib,
  /** Requests over HTTP that a subtask has under way: eight hide a round trip of 100 ms at 80 a second. */
  sinkRequestsMax: 8,
  /** Bytes of an answer that are read, so that its connection can be used again; longer ones are cut off with it. */
  sinkResponseBytesMax: 64 * kib,
  /** Characters of an answer that errors repeat. */
  sinkResponseTextMax: 200,
  /** How long a record of a sink that writes at once waits for others to go with it. */
  sinkLingerMs: 20,
  /** Reads in a row that bring nothing, of a stream that tells of more: then looking for what was written has failed. */
  sinkEmptyReadsMax: 3,
  /** Files a file sink writes at once, one a partition: 8 MiB of blocks, an eighth of the 1,024 handles a process often may have. */
  sinkOpenFilesMax: 128,
  /** Files being ended at which a file sink holds back its input: each is a sync, and as many wait as may be open. */
  sinkSealingFilesMax: 128,
  /** Files of one transaction: at about 250 bytes each they take half of the message that acknowledges a checkpoint. */
  sinkFilesPerTransactionMax: 2_048,
  /** Directories a file sink remembers to have made; then it forgets them all, and looks again: 512 KiB. */
  sinkDirectoriesKnownMax: 4_096,
  /** Bytes of a path below the directory of a file sink: a quarter of what Linux takes of a whole path. */
  partitionPathBytesMax: kib,
  /** Bytes of the name of a file or directory: what nearly all file systems take. */
  fileNameBytesMax: 255,
  /** Results an operator pulls from an iterable before the loop of its task has another look around: well below a slice. */
  resultsPerStep: 256,
} as const;
