// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchange } from '../exchange.mjs';
import { debianPackage } from '../fetch/debian-package.mjs';
import { findProgram } from '../folders.mjs';

/** One Redis server that writes each command to disk before it answers. @type {import('../types.js').ServerKind<'redis'>} */
export const redis = {
  name: 'redis',
  title: 'Redis',
  variable: 'REDIS_URL',
  ports: [0],
  deadlineMs: 20_000,
  find: () => findProgram('redis-server'),
  fetch: debianPackage('redis-server', '5 to 15 s'),
  url: ([port]) => `redis://127.0.0.1:${port}`,

  launch({ program, folder, ports: [port], settings }) {
    const configuration = {
      port: `${port}`,
      bind: '127.0.0.1',
      dir: folder,
      save: '""',
      appendonly: 'yes',
      appendfsync: 'always',
      ...settings,
    };
    const file = join(folder, 'redis.conf');
    writeFileSync(
      file,
      Object.entries(configuration)
        .map(([key, value]) => `${key} ${value}\n`)
        .join(''),
    );
    return { command: program, args: [file] };
  },

  async probe(url) {
    const { protocol, hostname, port } = new URL(url);
    const options = { secure: protocol === 'rediss:' };
    const request = 'PING\r\nINFO server\r\n';
    const answer = (await exchange(`${hostname}:${port || 6379}`, request, isTwoAnswers, options)).toString();
    // Without a password it will not say more, but it serves those who have one.
    if (!answer.startsWith('+PONG') && !answer.startsWith('-NOAUTH'))
      throw new Error(answer.split('\r\n')[0]);
    return /^redis_version:(.+)\r$/m.exec(answer)?.[1];
  },
};

/** @param {Buffer} bytes a line, then an error or text of a length (RESP, bulk string). */
function isTwoAnswers(bytes) {
  const [, second, ...rest] = bytes.toString().split('\r\n');
  if (second === undefined || rest.length === 0) return false;
  return !second.startsWith('$') || rest.join('\r\n').length >= Number(second.slice(1)) + 2;
}
