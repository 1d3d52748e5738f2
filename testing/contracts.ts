/** `millrace/contracts`: the suites that every adapter of a port passes. Run each case with a fixture of your adapter. */
export type { Contract, ContractCase } from './contracts/contract.js';
export { blobStoreContract, type BlobStoreFixture } from './contracts/blob-store.js';
export { busContract, type BusFixture } from './contracts/bus.js';
export { checkpointStorageContract, type CheckpointStorageFixture } from './contracts/checkpoint-storage.js';
export { fileSystemContract, type FileSystemFixture } from './contracts/file-system.js';
export { haStoreContract, type HaStoreFixture } from './contracts/ha-store.js';
export { keyedStateContract, type KeyedStateFixture } from './contracts/keyed-state.js';
export { atMostOnceSourceContract, sourceContract, type SourceFixture } from './contracts/source.js';
export { SinkBench, sinkContract, type SinkFixture } from './contracts/sink.js';
export { atLeastOnceSinkContract, type AtLeastOnceSinkFixture } from './contracts/at-least-once-sink.js';
