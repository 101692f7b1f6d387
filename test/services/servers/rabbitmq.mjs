// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchange } from '../exchange.mjs';
import { debianPackage } from '../fetch/debian-package.mjs';
import { findProgram } from '../folders.mjs';

/**
 * RabbitMQ, in the foreground. It starts Erlang's port mapper `epmd` where none runs; all Erlang programs of a machine share
 * that one, so it stays.
 * @type {import('../types.js').ServerKind<'rabbitmq'>}
 */
export const rabbitmq = {
  name: 'rabbitmq',
  title: 'RabbitMQ',
  variable: 'AMQP_URL',
  ports: [0, 0],
  deadlineMs: 90_000,
  // Before PATH: what Debian has there under this name is a wrapper that insists on a user of its own.
  find: () => findProgram('rabbitmq-server', { usual: ['/usr/lib/rabbitmq/bin'] }),
  fetch: debianPackage('rabbitmq-server', '10 to 30 s'),
  url: ([port]) => `amqp://guest:guest@127.0.0.1:${port}`,

  launch({ program, folder, ports: [port, distribution], settings }) {
    const configuration = {
      'listeners.tcp.1': `127.0.0.1:${port}`,
      'log.console': 'true',
      'log.file': 'false',
      ...settings,
    };
    const config = join(folder, 'rabbitmq.conf');
    const plugins = join(folder, 'enabled_plugins');
    const text = Object.entries(configuration).map(([key, value]) => `${key} = ${value}\n`);
    writeFileSync(config, text.join(''));
    writeFileSync(plugins, '[].\n');
    return {
      command: program,
      args: [],
      env: {
        HOME: folder, // the Erlang cookie
        RABBITMQ_NODENAME: `colorway-${port}@localhost`,
        RABBITMQ_DIST_PORT: `${distribution}`,
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
        RABBITMQ_MNESIA_BASE: join(folder, 'data'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
        RABBITMQ_CONFIG_FILE: config,
        RABBITMQ_CONF_ENV_FILE: join(folder, 'no-rabbitmq-env.conf'), // not the machine's
      },
    };
  },

  /** Ready when it greets with `connection.start`, whose server properties name the version. */
  async probe(url) {
    const { protocol, hostname, port } = new URL(url);
    const secure = protocol === 'amqps:';
    const address = `${hostname}:${port || (secure ? 5671 : 5672)}`;
    const answer = await exchange(address, 'AMQP\0\0\x09\x01', isFrame, { secure });
    if (answer.subarray(0, 4).toString() === 'AMQP') throw new Error('it speaks another version of AMQP');
    const at = answer.indexOf('versionS');
    return at === -1 ? undefined : answer.subarray(at + 12, at + 12 + answer.readUInt32BE(at + 8)).toString();
  },
};

/** @param {Buffer} bytes type, channel (2), size (4), payload, end. */
function isFrame(bytes) {
  return bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32BE(3);
}
