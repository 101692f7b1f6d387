/** A directory in a folder, for services on one machine. @module */
export { type FileDirectoryOptions, fileDirectory } from '@colorway/registry/file';
