export { setupContext } from './setup-context.js';
