// `npm run build`: each package as ESM and CommonJS with types, then the examples against what was just built.
// One after the other, core first: the declarations of the others are made against core's.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { esmExternalRequirePlugin } from 'rolldown/plugins';
import { build } from 'tsdown';
import { packages, root } from './lib/entries.mjs';
import { bin, node, seconds } from './lib/run.mjs';

for (const { name, directory, entries } of packages()) {
  const start = performance.now();
  await build({
    cwd: directory,
    config: false,
    entry: entries,
    format: ['esm', 'cjs'],
    dts: { sourcemap: false },
    tsconfig: join(root, 'tsconfig.build.json'),
    target: 'node20.19',
    platform: 'node',
    fixedExtension: false,
    sourcemap: true,
    clean: true,
    // CommonJS is on purpose: services that require() are users too. How long a plugin took is no warning to fail on.
    checks: { legacyCjs: false, pluginTimings: false },
    // Else rolldown's runtime functions may land in an entry point, which then exports them.
    outputOptions: { codeSplitting: { groups: [{ name: 'runtime', test: /rolldown[\\/]runtime/ }] } },
    logLevel: 'warn',
    failOnWarn: true,
    // What a package lists in devDependencies and imports goes into its build; nothing else may.
    deps: { onlyBundle: bundled(directory) },
    // Imports stay imports, so that whoever bundles Colorway has one copy of the API.
    plugins: [esmExternalRequirePlugin({ external: ['@opentelemetry/api', 'async_hooks', 'events'] })],
  });
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE')); // npm packs it, whatever `files` says
  console.log(`built ${name} (${Object.keys(entries).length} entry points) in ${seconds(start)}`);
}

const examples = join(root, 'examples');
rmSync(join(examples, 'dist'), { recursive: true, force: true });
if (existsSync(join(examples, 'src'))) {
  const start = performance.now();
  const status = await node([bin('typescript', 'tsc'), '-p', join(examples, 'tsconfig.build.json')]);
  if (status !== 0) process.exit(status);
  console.log(`built examples in ${seconds(start)}`);
}
// The time of the last whole build; scripts/demo.mjs compares the sources with it.
mkdirSync(join(examples, 'dist'), { recursive: true });
writeFileSync(join(examples, 'dist', '.built'), `${new Date().toISOString()}\n`);

function bundled(directory) {
  const { devDependencies = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return Object.keys(devDependencies);
}
