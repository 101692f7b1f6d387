import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { npm } from './npm.mjs';

/**
 * A package registry on this machine that has the packages of these directories, packed as `npm publish` packs them, and
 * no others: installs need no network, and what is not published with a package is not found.
 */
export async function openLocalRegistry(directories, folder) {
  const versions = pack(directories, folder);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.split('?')[0]).slice(1);
    const tarball = /^tarballs\/([\w.@-]+\.tgz)$/.exec(path)?.[1];
    if (tarball) response.end(readFileSync(join(folder, tarball)));
    else if (versions.has(path)) response.end(JSON.stringify(packument(path, versions.get(path), url)));
    else response.writeHead(404).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** name -> [{ manifest, filename, integrity, shasum }] */
function pack(directories, folder) {
  const told = npm(
    ['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', folder, ...directories],
    { maxBuffer: 1e9 },
  );
  const made = Object.values(JSON.parse(told));
  const versions = new Map();
  for (const directory of directories) {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const packed = made.find(({ name, version }) => name === manifest.name && version === manifest.version);
    if (!packed) throw new Error(`npm pack made no tarball of ${directory}`);
    const { filename, integrity, shasum } = packed;
    versions.set(manifest.name, [
      ...(versions.get(manifest.name) ?? []),
      { manifest, filename, integrity, shasum },
    ]);
  }
  return versions;
}

function packument(name, versions, url) {
  const made = new Date(0).toISOString();
  return {
    name,
    'dist-tags': { latest: versions[0].manifest.version },
    time: Object.fromEntries([
      ['created', made],
      ['modified', made],
      ...versions.map(({ manifest }) => [manifest.version, made]),
    ]),
    versions: Object.fromEntries(
      versions.map(({ manifest, filename, integrity, shasum }) => {
        const { scripts: _none, ...rest } = manifest;
        const dist = { tarball: `${url}/tarballs/${filename}`, integrity, shasum };
        return [manifest.version, { ...rest, _id: `${name}@${manifest.version}`, dist }];
      }),
    ),
  };
}
