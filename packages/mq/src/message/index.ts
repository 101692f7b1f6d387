export { type MessageHeaders, messageBaggage, messageColor, messageFlow } from './message-color.js';
export {
  inMessageContext,
  type MessageWithHeaders,
  runInFlow,
  runInMessageContext,
  runOutsideRefusal,
} from './message-context.js';
export { stampedHeaders, stampMessage } from './stamp-message.js';
export { uncoloredContext } from './uncolored-context.js';
