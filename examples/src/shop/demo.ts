/** `npm run demo`: the shop in one environment, four colors, and the way that each request takes. */
import { once } from 'node:events';
import { openBroker } from './broker.js';
import { drawHandled, drawWay, heading, paint } from './draw.js';
import type { Handled } from './process.js';
import { type Instance, Shop } from './shop.js';
import { requestWay } from './way.js';

/** Where a request of each color must be served: the color of gateway, order and stock. The stock also handles its message. */
const EXPECTED = new Map<string | undefined, string>([
  [undefined, 'baseline baseline baseline'],
  ['feat-cart', 'baseline feat-cart feat-cart'],
  ['feat-price', 'baseline baseline feat-price'],
  ['feat-other', 'baseline baseline baseline'],
]);

const CONCURRENT = 200;
const SHORT_LEASE_MS = 1_500;

const keep = process.argv.includes('--keep');
const broker = await openBroker(process.argv, ['feat-cart', 'feat-price', 'feat-down']);
const shop = await Shop.open();
let faults = 0;
let orders = 0;

try {
  console.log(
    heading(
      `A small shop: gateway (Express) ──▶ order (Fastify) ──▶ stock (node:http), as separate processes; messages over ${broker.title}`,
    ),
  );
  const port = await startShop();

  console.log(heading('One request of each color, and the message that order sends for it'));
  for (const [color, expected] of EXPECTED) {
    const order = nextOrder();
    const way = await requestWay(port, color, order);
    const handled = await shop.whoHandled(order);
    console.log(drawWay(color, way));
    console.log(drawHandled(handled));
    expect(
      way.hops.map((hop) => hop.color).join(' ') === expected,
      `a request of ${color ?? 'no color'} went astray`,
    );
    expect(isRight(color, handled), `the message of ${color ?? 'no color'} was not handled by its own, once`);
  }

  console.log(
    heading(
      'feat-down contains order, and its only order was killed: refused, never answered by the baseline',
    ),
  );
  const refused = await requestWay(port, 'feat-down', nextOrder());
  console.log(drawWay('feat-down', refused));
  expect(refused.refusal?.code === 'COLORWAY_MEMBER_DOWN', 'feat-down was not refused');

  console.log(heading(`${CONCURRENT} concurrent requests of mixed colors, and their messages`));
  const { strays, wrong } = await countStrays(port);
  console.log(`  ${CONCURRENT} sent, ${paint(strays === 0 ? 'green' : 'red', `${strays} strays`)}`);
  console.log(
    `  ${CONCURRENT} messages, ${paint(wrong === 0 ? 'green' : 'red', `${wrong} lost, doubled or astray`)}\n`,
  );
  expect(strays === 0, 'requests were served by the wrong color');
  expect(wrong === 0, 'messages were handled by the wrong color, twice, or not at all');

  if (keep) await keepOpen(port);
} finally {
  await shop.close();
  await broker.close();
}
process.exitCode = faults === 0 ? 0 : 1;

async function startShop(): Promise<number> {
  const [gateway, , , , , , killed] = await Promise.all([
    shop.start('gateway'),
    shop.start('order'),
    shop.start('stock'),
    shop.start('order', 'feat-cart'),
    shop.start('stock', 'feat-cart'),
    shop.start('stock', 'feat-price'),
    shop.start('order', 'feat-down', SHORT_LEASE_MS),
  ]);
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  for (const { service, color, port } of [...shop.instances].sort(byServiceAndColor)) {
    const fate = color === 'feat-down' ? paint('red', 'killed with -9') : '';
    console.log(`  ${service.padEnd(8)} ${(color ?? 'baseline').padEnd(11)} :${port} ${fate}`);
  }
  await leaseRunsOut(gateway.port);
  return gateway.port;
}

function byServiceAndColor(a: Instance, b: Instance): number {
  return `${a.service} ${a.color ?? ''}`.localeCompare(`${b.service} ${b.color ?? ''}`);
}

/** Until its lease runs out the killed instance is still listed; calls to it fail with another typed error. */
async function leaseRunsOut(port: number): Promise<void> {
  const deadline = Date.now() + 10 * SHORT_LEASE_MS;
  while (Date.now() < deadline) {
    const { refusal } = await requestWay(port, 'feat-down', nextOrder());
    if (refusal?.code === 'COLORWAY_MEMBER_DOWN') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function countStrays(port: number): Promise<{ strays: number; wrong: number }> {
  const colors = [...EXPECTED.keys()];
  const sent = await Promise.all(
    Array.from({ length: CONCURRENT }, async (_, index) => {
      const color = colors[index % colors.length];
      const order = nextOrder();
      const { hops } = await requestWay(port, color, order);
      return { color, order, isRight: hops.map((hop) => hop.color).join(' ') === EXPECTED.get(color) };
    }),
  );
  await Promise.all(sent.map(({ order }) => shop.whoHandled(order)));
  // What is handled a second time is handled by now.
  const wrong = await Promise.all(
    sent.map(async ({ color, order }) => !isRight(color, await shop.whoHandled(order))),
  );
  return { strays: sent.filter((one) => !one.isRight).length, wrong: wrong.filter(Boolean).length };
}

/** The stock of the color that served the request handled its message, and nobody else did. */
function isRight(color: string | undefined, handled: readonly Handled[]): boolean {
  const stock = EXPECTED.get(color)?.split(' ').at(-1);
  return handled.length === 1 && handled[0]?.by === stock;
}

function nextOrder(): string {
  return String(++orders);
}

async function keepOpen(port: number): Promise<void> {
  console.log('The shop stays up. Try, and look at the server-timing header:\n');
  for (const color of [...EXPECTED.keys(), 'feat-down']) {
    const header = color === undefined ? '' : ` -H 'x-infr-flowtype: CE_${color}'`;
    console.log(`  curl -i${header} http://127.0.0.1:${port}/orders/7`);
  }
  console.log('\nCtrl-C ends it.');
  const heartbeat = setInterval(() => {}, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(heartbeat);
}

function expect(truth: boolean, fault: string): void {
  if (truth) return;
  faults++;
  console.error(`  ${paint('red', `FAULT: ${fault}`)}`);
}
