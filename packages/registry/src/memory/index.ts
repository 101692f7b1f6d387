export type { Away } from './connection.js';
export { type MemoryDirectory, type MemoryDirectoryOptions, memoryDirectory } from './memory-directory.js';
