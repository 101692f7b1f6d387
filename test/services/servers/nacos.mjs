// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { get } from '../exchange.mjs';
import { cargoProgram } from '../fetch/cargo-program.mjs';
import { fetchedFolder, findProgram } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';

const VERSION = '0.8.8';
const FETCHED = fetchedFolder(`rnacos-${VERSION}`);

/** r-nacos, a Nacos server in Rust. @type {import('../types.js').ServerKind<'nacos'>} */
export const nacos = {
  name: 'nacos',
  title: `r-nacos ${VERSION}`,
  variable: 'NACOS_URL',
  ports: [0, 1000, 0],
  deadlineMs: 20_000,
  find: () => findProgram('rnacos', { fetched: join(FETCHED, 'bin') }),
  fetch: cargoProgram({ crate: 'rnacos', version: VERSION }, FETCHED, '11 to 17 minutes on 2 cores'),
  url: ([port]) => `http://127.0.0.1:${port}`,

  launch: ({ program, folder, ports: [http, grpc, console], settings }) => ({
    command: program,
    args: [],
    env: {
      RNACOS_HTTP_PORT: `${http}`,
      RNACOS_GRPC_PORT: `${grpc}`,
      RNACOS_HTTP_CONSOLE_PORT: `${console}`,
      RNACOS_CONFIG_DB_DIR: join(folder, 'data'),
      ...settings,
    },
  }),

  /**
   * At its first start two writes race for the file `index` (r-nacos 0.8). When the one without the members wins, the server
   * works, but never takes another write once it was killed and restarted.
   */
  isSound: ({ folder, ports: [, grpc] }) =>
    readFileSync(join(folder, 'data/index'), 'latin1').includes(`127.0.0.1:${grpc}`),

  /** The first path is known to Nacos and to r-nacos, the second to r-nacos: it is UP before it can take a write. */
  async probe(url, program) {
    if (await isForbidden(url)) return undefined;
    const { status } = JSON.parse(await get(new URL('/nacos/v1/ns/operator/metrics', url).href));
    if (status !== 'UP') throw new Error(`its status is ${status}`);
    if (program === undefined) return undefined; // not to be had over the network from both
    const raft = JSON.parse(await get(new URL('/nacos/v1/raft/metrics', url).href));
    if (raft.state !== 'Leader' || raft.last_applied < raft.last_log_index)
      throw new Error('it is no leader yet');
    return (await runCommand(program, ['--version'])).trim().split(' ').at(-1);
  },
};

/** A server that asks for a user says no more to others, but it serves those who have one. @param {string} url */
async function isForbidden(url) {
  const asked = new URL('/nacos/v1/ns/operator/metrics', url);
  const { status } = await fetch(asked, { signal: AbortSignal.timeout(2_000) });
  return status === 403;
}
