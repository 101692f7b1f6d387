export { describeAddress, directoryAt } from './directory-at.js';
