// A user who has nothing but the package `colorway`, in a folder of its own: what is imported, and a first story.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The entry point that loads what only its user has. */
const NEEDS_A_CLIENT = ['colorway/axios'];

/** Two services and a colored copy of one, in one process; a colored request goes the whole way. */
const STORY = `import { createServer } from 'node:http';
import { createColoring, isColorwayError, withColor } from 'colorway';
import { coloredFetch } from 'colorway/fetch';
import { fileDirectory } from 'colorway/file';
import { nodeColoring } from 'colorway/node';

const closing = { noticeMs: 0 };
const stockOf = (color) => createColoring({ service: 'stock', color, directory: fileDirectory(), closing });
const serve = async (coloring, answer) => {
  const server = createServer(nodeColoring(coloring, async (request, response) => response.end(await answer(request))));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await coloring.register({ server });
  return server.address().port;
};
const order = createColoring({ closing }); // the environment says the rest: package.json, and COLORWAY_DIRECTORY
const [stock, red] = [stockOf(''), stockOf('red')];
const fetchStock = coloredFetch(order);
const port = await serve(order, async () => (await fetchStock('http://stock/')).text());
await serve(stock, () => 'baseline');
await serve(red, () => 'red');
await new Promise((resolve) => {
  const look = () => order.view().services.get('stock')?.colored.get('red')?.kind === 'colored' && resolve();
  order.onViewChange(look);
  look();
});
const ask = async (headers) => (await fetch('http://127.0.0.1:' + port, { headers })).text();
const answers = [await ask({}), await ask({ 'x-infr-flowtype': 'CE_red' })].join();
await red.close();
const refused = await withColor('red', () => fetchStock('http://stock/')).then(() => false, isColorwayError);
await Promise.all([order.close(), stock.close()]);
if (answers !== 'baseline,red' || !refused) throw new Error('answers: ' + answers + ', refused: ' + refused);
`;

/** Makes the folder of that user. */
export function writeOnePackageUser(cwd, version) {
  mkdirSync(cwd);
  const manifest = { name: '@shop/order', private: true, dependencies: { colorway: version } };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(cwd, 'yarn.lock'), '');
}

/**
 * What that user does then: the commands, without the Node that runs them, and the environment that they run in.
 *
 * @param specifiers all entry points of the package
 */
export function onePackageSteps(cwd, specifiers) {
  const loaded = JSON.stringify(specifiers.filter((one) => !NEEDS_A_CLIENT.includes(one)));
  const load = `const load = async (find) => { for (const one of ${loaded}) await find(one); };\n`;
  writeFileSync(join(cwd, 'load.mjs'), `${load}await load((one) => import(one));\n`);
  writeFileSync(join(cwd, 'load.cjs'), `${load}load(require);\n`);
  writeFileSync(join(cwd, 'story.mjs'), STORY);
  const folder = join(cwd, 'directory');
  return {
    scripts: ['load.mjs', 'load.cjs', 'story.mjs'],
    command: ['env', 'create', 'feat-cart', '--services', 'order'],
    env: {
      ...{ COLORWAY_FOLDER: folder, COLORWAY_DIRECTORY: pathToFileURL(folder).href, NODE_ENV: 'production' },
    },
  };
}
