/** `coloredDispatcher(coloring)`: a dispatcher of undici, with service names as hosts. @module */
export { type ColoredDispatcherOptions, coloredDispatcher } from '@colorway/http/undici';
