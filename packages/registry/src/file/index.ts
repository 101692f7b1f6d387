export { type FileDirectoryOptions, fileDirectory } from './file-directory.js';
