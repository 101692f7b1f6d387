/** `Symbol.for`, so that two middlewares, of two copies of this package even, serve a request once. */
export const ADMITTED = Symbol.for('colorway.admitted');
