/** Colors for `node:http`, and for any server built on it: `createServer(nodeColoring(coloring, listener))`, `coloredServer(coloring, server)`. @module */
export {
  type AcceptPolicy,
  type AskedFlow,
  coloredServer,
  nodeColoring,
  type RawRequest,
  type RawResponse,
  type SecondSources,
  type ServerColoringOptions,
} from '@colorway/http/node';
