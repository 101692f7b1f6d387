import { createRandom, pick, route } from '@colorway/core';
import { BalancedPool } from 'undici';
import { directoryOf } from '../lib/synthetic-directory.mjs';
import { timeOperation } from '../lib/time-operation.mjs';

const variant = process.argv[2];
const size = variant === 'uncolored' ? 3 : Number(variant.replace('undici-', ''));
const view = directoryOf({ services: 300, colors: 50, colorsPerService: 50, instances: size }).current();
const cost = (instance) => instance.port;
const random = createRandom();

function colored() {
  const decision = route('color-7', 'service-7', view);
  return pick(decision.instances, cost, random);
}

function uncolored() {
  const decision = route(undefined, 'service-7', view);
  return pick(decision.instances, cost, random);
}

/** The part of undici's BalancedPool that chooses an upstream: its dispatcher getter. */
function balancedPool() {
  const pool = new BalancedPool(
    Array.from({ length: size }, (_, index) => `http://127.0.0.1:${1000 + index}`),
  );
  const getDispatcher = Object.getOwnPropertySymbols(Object.getPrototypeOf(pool)).find((symbol) =>
    String(symbol).includes('get dispatcher'),
  );
  return () => pool[getDispatcher]();
}

const operation =
  variant === 'uncolored' ? uncolored : variant.startsWith('undici') ? balancedPool() : colored;
const ns = timeOperation(operation);

const operations = 10_000_000;
globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < operations; i++) globalThis.sink = operation();
const bytes = Math.max(0, process.memoryUsage().heapUsed - before) / operations;
console.log(JSON.stringify({ ns, bytes }));
process.exit();
