/** `coloredFetch(coloring)`: `fetch`, with service names as hosts. @module */
export { type ColoredFetchOptions, coloredFetch } from '@colorway/http/fetch';
