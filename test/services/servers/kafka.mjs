// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchange } from '../exchange.mjs';
import { mavenJars } from '../fetch/maven-jars.mjs';
import { fetchedFolder, findProgram, isFolder, servicesFolders } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';

const VERSION = '4.1.1';
const FETCHED = fetchedFolder(`kafka-${VERSION}`);

/** One Kafka node, broker and controller in one (KRaft). @type {import('../types.js').ServerKind<'kafka'>} */
export const kafka = {
  name: 'kafka',
  title: `Kafka ${VERSION}`,
  variable: 'KAFKA_BROKERS',
  ports: [0, 0],
  deadlineMs: 60_000,
  obstacle() {
    if (java() !== undefined) return undefined;
    return {
      why: 'Java 17 or newer, which runs it, is not on PATH',
      command: 'sudo apt-get install -y default-jre-headless',
    };
  },
  find: () =>
    [...servicesFolders().map((folder) => join(folder, 'kafka')), ...distribution(), '/opt/kafka', FETCHED]
      .map((folder) => join(folder, 'libs'))
      .find((libs) => jar(libs) !== undefined),
  fetch: mavenJars(
    { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: VERSION },
    FETCHED,
    '45 jars of 43 MB, 5 to 10 s',
  ),
  url: ([port]) => `127.0.0.1:${port}`,

  async launch({ program: libs, folder, ports, settings }) {
    const properties = join(folder, 'server.properties');
    const logging = join(folder, 'log4j2.properties');
    const data = join(folder, 'data');
    writeFileSync(properties, lines({ ...configuration(ports, data), ...settings }));
    writeFileSync(logging, lines(LOGGING));
    const runs = [`-Dlog4j2.configurationFile=${logging}`, '-XX:TieredStopAtLevel=1', '-cp', join(libs, '*')];
    const command = java() ?? 'java';
    if (!existsSync(join(data, 'meta.properties'))) {
      const id = clusterId();
      await runCommand(command, [...runs, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', properties]);
    }
    return { command, args: ['-Xms256m', '-Xmx512m', ...runs, 'kafka.Kafka', properties] };
  },

  /** Ready when it answers a Metadata request (version 1, no topics) and names a broker: before, it is fenced. */
  async probe(url, libs) {
    const request = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0]);
    const [broker = ''] = url.split(',');
    const answer = await exchange(broker, request, (bytes) => bytes.length >= 12);
    if (answer.readInt32BE(8) < 1) throw new Error('no broker is registered yet');
    return libs === undefined ? undefined : /-([\d.]+)\.jar$/.exec(jar(libs) ?? '')?.[1];
  },
};

/** The storage tool takes an id that begins with a dash for an option: one in 64. */
function clusterId() {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/**
 * @param {readonly number[]} ports
 * @param {string} data
 */
function configuration([client, controller], data) {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${client}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    // A group of one joins at once. The default of 3 s waits for members that tests do not have.
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may register again when its old session is over: 2 s, not 9.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
  };
}

const LOGGING = {
  'appender.out.type': 'Console',
  'appender.out.name': 'out',
  'appender.out.layout.type': 'PatternLayout',
  'appender.out.layout.pattern': '%d{HH:mm:ss.SSS} %p %c{1}: %m%n',
  'rootLogger.level': 'info',
  'rootLogger.appenderRef.out.ref': 'out',
  // All several hundred settings, at every start.
  'logger.config.name': 'org.apache.kafka.common.config',
  'logger.config.level': 'warn',
};

function java() {
  const home = process.env.JAVA_HOME;
  return findProgram('java', { usual: home ? [join(home, 'bin')] : [] });
}

/** An unpacked distribution whose `bin` is on PATH. */
function distribution() {
  const script = findProgram('kafka-server-start.sh');
  return script === undefined ? [] : [join(script, '../..')];
}

/** @param {string} libs */
function jar(libs) {
  return isFolder(libs)
    ? readdirSync(libs).find((name) => /^kafka_[\d.]+-[\d.]+\.jar$/.test(name))
    : undefined;
}

/** @param {Readonly<Record<string, string>>} properties */
function lines(properties) {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
