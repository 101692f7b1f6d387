/** `coloredAgent(coloring)`: an agent for `node:http` and whatever is built on it, with service names as hosts. @module */
export { type ColoredAgentOptions, coloredAgent } from '@colorway/http/agent';
