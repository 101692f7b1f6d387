/** `coloredAxios(coloring, axios)`: axios, with service names as hosts. @module */
export { type ColoredAxiosOptions, coloredAxios } from '@colorway/http/axios';
