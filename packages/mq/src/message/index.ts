export { type MessageHeaders, messageBaggage, messageColor, messageFlow } from './message-color.js';
export {
  inMessageContext,
  type MessageWithHeaders,
  runInFlow,
  runInMessageContext,
} from './message-context.js';
export { stampedHeaders, stampMessage } from './stamp-message.js';
export { withoutCarriers } from './without-carriers.js';
