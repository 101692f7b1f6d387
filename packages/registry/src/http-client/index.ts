export { dateOf } from './date-header.js';
export {
  type HttpAnswer,
  type HttpCall,
  HttpClient,
  type HttpClientOptions,
  type HttpStream,
} from './http-client.js';
