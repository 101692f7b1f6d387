import { isColorwayError, withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { type ColoringService, createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { WebSocket } from 'ws';
import { ProcessFleet, type ServiceProcess } from '../support/process-fleet.js';

/** Long enough for a busy machine, and what ends an upgrade at an instance that hangs. */
const HANDSHAKE_MS = 5_000;
const FIXTURE = 'web-socket-service.mjs';

let fleet: ProcessFleet;
let coloring: ColoringService;
let agent: ReturnType<typeof coloredAgent>;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  fleet = await ProcessFleet.open();
  coloring = createColoring({
    service: 'caller',
    color: '',
    directory: fileDirectory({ folder: fleet.folder }),
    closing: { noticeMs: 0 },
  });
  agent = coloredAgent(coloring, { services: ['stock'] });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await coloring.close();
  await fleet.close();
});

/** Starts an instance; the flow types of the upgrades that it served come with it. */
async function start(color: string, env: Record<string, string> = {}) {
  const instance = await fleet.start('stock', color, env, FIXTURE);
  const upgraded: string[] = [];
  instance.child.on('message', (message) => {
    const { upgraded: flow } = message as { upgraded?: string };
    if (flow !== undefined) upgraded.push(flow);
  });
  return { ...instance, upgraded };
}

/** Until this process sees the baseline, blue, and as many living instances of red. */
async function seesRed(count: number): Promise<void> {
  const live = (color: string) => {
    const decision = coloring.view().services.get('stock')?.colored.get(color);
    return decision !== undefined && 'instances' in decision ? decision.instances.length : 0;
  };
  while (live('red') !== count || live('blue') !== 1) await new Promise((resolve) => setTimeout(resolve, 20));
}

interface Opened {
  readonly who: string;
  readonly socket: WebSocket;
}

/** Opens a WebSocket in the color of the work in hand. */
function open(): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://stock/', { agent, handshakeTimeout: HANDSHAKE_MS });
    sockets.push(socket);
    socket.on('error', reject).on('message', (who) => resolve({ who: String(who), socket }));
  });
}

const reasonOf = (error: Error) => (isColorwayError(error) ? error.code : error.message);

it('50 upgrades in red while an instance of red dies and another hangs: none reaches another color', async () => {
  const [baseline, blue, dies, hangs] = await Promise.all([
    start(''),
    start('blue'),
    start('red', { LEASE_MS: '60000' }),
    start('red', { LEASE_MS: '60000' }),
    start('red'),
  ]);
  await seesRed(3);
  const who: string[] = [];
  const failed: string[] = [];
  const upgrade = async () => {
    try {
      who.push((await open()).who);
    } catch (error) {
      failed.push(reasonOf(error as Error));
    }
  };
  hangs.child.kill('SIGSTOP');
  const waves: Promise<void>[] = [];
  for (let wave = 0; wave < 10; wave++) {
    waves.push(...Array.from({ length: 5 }, () => withColor('red', upgrade)));
    if (wave === 4) await dies.end('SIGKILL');
    await Promise.race([Promise.all(waves.slice(-5)), new Promise((resolve) => setTimeout(resolve, 300))]);
  }
  await Promise.all(waves);
  hangs.child.kill('SIGCONT');
  expect(who.length + failed.length).toBe(50);
  expect(who.filter((one) => !one.startsWith('red '))).toEqual([]);
  expect(who.length).toBeGreaterThanOrEqual(25);
  expect(new Set(failed)).toEqual(new Set(failed.length === 0 ? [] : ['Opening handshake has timed out']));
  expect([...baseline.upgraded, ...blue.upgraded]).toEqual([]);
  expect((await open()).who).toMatch(/^baseline /);
}, 180_000);

it('an instance with open WebSockets is killed: whoever opens again when it hears of it is in red still', async () => {
  const first: ServiceProcess = await start('red');
  const [baseline, blue] = await Promise.all([start(''), start('blue')]);
  await seesRed(1);
  const again: Promise<string>[] = [];
  await withColor('red', () =>
    Promise.all(
      Array.from({ length: 20 }, async () => {
        const { socket } = await open();
        socket.on('close', () => void again.push(open().then(({ who }) => who)));
      }),
    ),
  );
  const second = await start('red');
  await seesRed(2);
  await first.end('SIGKILL');
  while (again.length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(new Set(await Promise.all(again))).toEqual(new Set([`red ${second.pid}`]));
  expect([...baseline.upgraded, ...blue.upgraded]).toEqual([]);
}, 180_000);

it('SIGTERM with open WebSockets: they are told, nothing waits for them, and the next ones go on', async () => {
  const [leaves] = await Promise.all([start('red'), start(''), start('blue')]);
  await seesRed(1);
  const kept = await Promise.all(Array.from({ length: 10 }, () => withColor('red', open)));
  const stays = await start('red');
  await seesRed(2);
  const codes: number[] = [];
  for (const { socket } of kept) socket.on('close', (code) => void codes.push(code));
  await leaves.end('SIGTERM');
  while (codes.length < 10) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(new Set(codes)).toEqual(new Set([1012]));
  expect((await withColor('red', open)).who).toBe(`red ${stays.pid}`);
}, 180_000);
