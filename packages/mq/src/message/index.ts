export { type MessageHeaders, messageBaggage, messageColor, messageFlow } from './message-color.js';
export {
  inAdmitted,
  inMessageContext,
  type MessageWithHeaders,
  runInFlow,
  runInMessageContext,
  runOutsideRefusal,
} from './message-context.js';
export {
  type AcceptPolicy,
  type Admitted,
  type AskedMessageFlow,
  MessagePolicy,
  messagePolicy,
} from './message-policy.js';
export { stampedHeaders, stampMessage } from './stamp-message.js';
export { uncoloredContext } from './uncolored-context.js';
