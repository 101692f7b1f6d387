// Work by the clock has no place in what is counted of a request: where a process runs fifty times slower, as under valgrind,
// fifty times as much of it falls on each. Import it before anything that starts an interval.
const { setInterval: start } = globalThis;
let held = false;

globalThis.setInterval = (work, ms, ...rest) => start((...args) => held || work(...args), ms, ...rest);

/** Runs a slice within which intervals of this process do nothing. */
export async function withoutIntervals(slice) {
  held = true;
  try {
    return await slice();
  } finally {
    held = false;
  }
}
