/** Ready-made endpoints: whether this process is ready, and which environments there are to choose from. @module */
export {
  environmentsHandler,
  type JsonHandler,
  type ReadinessOptions,
  readinessHandler,
  type TellsEnvironments,
} from '@colorway/http/handlers';
