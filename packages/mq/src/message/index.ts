export { type MessageHeaders, messageBaggage, messageColor, messageFlow } from './message-color.js';
export { inMessageContext, type MessageWithHeaders, runInMessageContext } from './message-context.js';
export { stampMessage } from './stamp-message.js';
