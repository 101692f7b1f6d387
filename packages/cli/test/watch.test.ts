import { Shell } from './shell.js';

it('tells changes as they come', async () => {
  const shell = new Shell();
  await shell.start('stock');
  const stop = new AbortController();
  const watching = shell.until(stop.signal, 'watch', '--json');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await shell.run('env', 'create', 'feat-cart', '--services', 'order');
  const order = await shell.start('order', 'feat-cart');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await order.close();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  stop.abort();
  const { status, documents } = await watching;
  expect(status).toBe(0);
  const changes = documents.map(({ change, service, key }) => `${change} ${service ?? key}`);
  expect(changes).toEqual(
    expect.arrayContaining([
      'environment-put env/feat-cart',
      'membership-put CE_order/feat-cart',
      'instance-up order',
      'instance-down order',
    ]),
  );
  // What stood before is no change.
  expect(changes).not.toContain('instance-up stock');
});
