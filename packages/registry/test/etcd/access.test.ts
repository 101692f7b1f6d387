import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { etcdDirectory } from '@colorway/registry/etcd';
import { findProgram } from '../../../../test/services/folders.mjs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { freePorts } from '../../../../test/services/ports.mjs';
import { cleanUp, temporaryFolder } from '../support/clean-up.js';
import { record, ToldInstances } from '../support/told-instances.js';
import { until } from '../support/wait.js';
import { base64, etcdCall } from './etcd-http.js';

jest.setTimeout(120_000);

const run = promisify(execFile);

function open(options: Parameters<typeof etcdDirectory>[0]) {
  const directory = etcdDirectory({ checkMs: 500, timeoutMs: 2_000, ...options });
  cleanUp(() => directory.close());
  return directory;
}

const failed = (message: RegExp) => ({
  code: 'COLORWAY_DIRECTORY_FAILED',
  message: expect.stringMatching(message),
});

describeWithServers(
  ['etcd'],
  'etcd: users',
  (servers) => {
    it('lets a user with the role in, logs in anew when its token is old, and names what was refused to others', async () => {
      const { url } = servers.etcd;
      const range = { key: base64('colorway/'), range_end: base64('colorway0') };
      await etcdCall(url, 'auth/user/add', { name: 'root', password: 'r00t' });
      await etcdCall(url, 'auth/role/add', { name: 'root' });
      await etcdCall(url, 'auth/user/grant', { user: 'root', role: 'root' });
      await etcdCall(url, 'auth/user/add', { name: 'order', password: 'p@ss "word"' });
      await etcdCall(url, 'auth/role/add', { name: 'colorway' });
      await etcdCall(url, 'auth/role/grant', { name: 'colorway', perm: { permType: 'READWRITE', ...range } });
      await etcdCall(url, 'auth/user/grant', { user: 'order', role: 'colorway' });
      await etcdCall(url, 'auth/enable');

      const { instances, state } = open({ url, username: 'order', password: 'p@ss "word"', graceMs: 1_000 });
      const told = await ToldInstances.of(instances);
      await instances.register(record('a'), 60_000);
      await until('a', () => told.byId.has('a'));
      await instances.renew('a');
      expect((await state.create('k', 'v')).created).toBe(true);

      // Simple tokens live in memory: a restart forgets them all.
      await servers.etcd.kill();
      await servers.etcd.restart();
      await instances.renew('a');
      expect((await state.get('k'))?.value).toBe('v');
      await told.heardAgain();
      await instances.register(record('b'), 60_000);
      await until('b', () => told.byId.has('b'), 30_000);
      await instances.deregister('a');
      await until('a gone', () => !told.byId.has('a'));

      await expect(open({ url }).state.get('k')).rejects.toMatchObject(failed(/user name is empty/));
      const wrong = open({ url, username: 'order', password: 'secret' });
      await expect(wrong.state.get('k')).rejects.toMatchObject(failed(/authentication failed/));
      await expect(wrong.state.get('k')).rejects.not.toThrow('secret');
      const elsewhere = open({ url, username: 'order', password: 'p@ss "word"', prefix: 'other/' });
      await expect(elsewhere.state.create('k', 'v')).rejects.toMatchObject(failed(/permission denied/));
    });
  },
  { own: true },
);

describeWithServers(['etcd'], 'etcd: TLS', () => {
  it('speaks with a server whose authority it was given, shows its own certificate, and with no other', async () => {
    const folder = await temporaryFolder();
    const file = (name: string) => join(folder, name);
    await writeFile(file('san'), 'subjectAltName=IP:127.0.0.1\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const openssl = (...args: string[]) => run('openssl', args);
    await openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.crt'),
      '-subj',
      '/CN=authority',
      '-days',
      '2',
    );
    for (const name of ['server', 'client']) {
      await openssl(
        'req',
        ...key,
        '-keyout',
        file(`${name}.key`),
        '-out',
        file(`${name}.csr`),
        '-subj',
        `/CN=${name}`,
      );
      const signed = [
        '-in',
        file(`${name}.csr`),
        '-out',
        file(`${name}.crt`),
        '-days',
        '2',
        '-extfile',
        file('san'),
      ];
      await openssl(
        'x509',
        '-req',
        ...signed,
        '-CA',
        file('ca.crt'),
        '-CAkey',
        file('ca.key'),
        '-CAcreateserial',
      );
    }
    const [client, peer] = await freePorts([0, 0]);
    const url = `https://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    const flags = {
      'data-dir': file('data'),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
      'cert-file': file('server.crt'),
      'key-file': file('server.key'),
      'trusted-ca-file': file('ca.crt'),
      'client-cert-auth': 'true',
    };
    const etcd = spawn(
      findProgram('etcd') ?? 'etcd',
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => etcd.once('exit', resolve));
    cleanUp(() => {
      etcd.kill('SIGKILL');
      return ended;
    });
    const pem = (name: string) => readFileSync(file(name), 'utf8');
    const tls = { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') };
    const { instances, state } = open({ url, tls });
    await until(
      'the server',
      () =>
        state.get('k').then(
          () => true,
          () => false,
        ),
      30_000,
    );
    const told = await ToldInstances.of(instances);
    await instances.register(record('a'), 60_000);
    await until('a', () => told.byId.has('a'));

    await expect(open({ url }).state.get('k')).rejects.toMatchObject(failed(/certificate/));
    await expect(open({ url, tls: { ca: tls.ca } }).state.get('k')).rejects.toMatchObject(
      failed(/127\.0\.0\.1/),
    );
  });
});
