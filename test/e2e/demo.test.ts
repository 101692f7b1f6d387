import { endDemos, startDemo } from './start-demo.js';

afterEach(endDemos);

async function answers(port: string): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/orders/7`).then(
    () => true,
    () => false,
  );
}

describe('npm run demo', () => {
  it('shows every way, no stray, the refusal with its reason, and ends by itself with nothing left running', async () => {
    const demo = startDemo();
    expect(await demo.status).toBe(0);
    const text = demo.output();
    expect(text).toMatch(/no color +gateway baseline :\d+ ──▶ order baseline :\d+ ──▶ stock baseline :\d+/);
    expect(text).toMatch(
      /feat-cart +gateway baseline :\d+ ──▶ order feat-cart :\d+ ──▶ stock feat-cart :\d+/,
    );
    expect(text).toMatch(
      /feat-price +gateway baseline :\d+ ──▶ order baseline :\d+ ──▶ stock feat-price :\d+/,
    );
    expect(text).toMatch(/why: order not-member, so baseline, stock colored/);
    expect(text).toMatch(/503 COLORWAY_MEMBER_DOWN/);
    expect(text).toContain('200 sent, 0 strays');
    expect(text).toContain('messages over the embedded broker');
    expect(text).toMatch(/message orders ──▶ stock baseline \(GID_stock, why: no-color\)/);
    expect(text).toMatch(/message orders ──▶ stock feat-cart \(GID_feat-cart_stock, why: joined\)/);
    expect(text).toMatch(/message orders ──▶ stock feat-price \(GID_feat-price_stock, why: joined\)/);
    expect(text).toMatch(/message orders ──▶ stock baseline \(GID_stock, why: not-joined\)/);
    expect(text).toContain('200 messages, 0 lost, doubled or astray');
    const ports = [...text.matchAll(/:(\d{4,5})\b/g)].map(([, port]) => port as string);
    expect(await Promise.all(ports.map(answers))).toEqual(ports.map(() => false));
  }, 120_000);

  it('stays up with --keep, prints curl lines that work, and ends on Ctrl-C', async () => {
    const demo = startDemo('--keep');
    while (!demo.output().includes('Ctrl-C ends it.')) {
      if (demo.child.exitCode !== null) throw new Error(`the demo ended early:\n${demo.output()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const line = demo
      .output()
      .match(/curl -i -H 'x-infr-flowtype: (CE_feat-cart)' (\S+)/) as RegExpMatchArray;
    const response = await fetch(line[2] as string, { headers: { 'x-infr-flowtype': line[1] as string } });
    expect(response.headers.get('server-timing')).toMatch(
      /^order;desc="feat-cart 127\.0\.0\.1:\d+ colored", stock;desc="feat-cart 127\.0\.0\.1:\d+ colored"$/,
    );
    demo.child.kill('SIGINT');
    expect(await demo.status).toBe(0);
    expect(await answers(new URL(line[2] as string).port)).toBe(false);
  }, 120_000);
});
