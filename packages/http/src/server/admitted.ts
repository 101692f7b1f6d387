/** `Symbol.for`, so that two middlewares, of two copies of this package even, serve a request once. */
export const ADMITTED = Symbol.for('colorway.admitted');

/** Stands on a request whose admission is not decided yet. */
export const WAITING = Symbol.for('colorway.waiting');
