import { mkdir, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Folder } from '../src/file/folder.js';
import { formatInstanceFile, instanceFileName } from '../src/file/instance-file.js';
import { InstanceScan } from '../src/file/instance-scan.js';

const RECORD = { id: 'a', service: 'stock', host: '127.0.0.1', port: 1, metadata: {}, startedAt: 0 };

it('law 6: a folder that goes away in the middle of a look is an outage, not the end of its instances', async () => {
  const path = await mkdtemp(join(tmpdir(), 'colorway-scan-'));
  try {
    const folder = new Folder(path);
    await mkdir(folder.instances, { recursive: true });
    const name = instanceFileName(RECORD.id);
    await writeFile(join(folder.instances, name), formatInstanceFile({ record: RECORD, leaseMs: 10_000 }));
    const scan = new InstanceScan(folder);
    const look = { names: new Set([name]), identity: 'x' };
    await scan.look(look, 1_000);
    const before = [...(scan.takeChanged()?.keys() ?? [])];

    await rename(folder.instances, `${folder.instances}.away`);
    await expect(scan.look(look, 1_000)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(scan.takeChanged()).toBeUndefined();

    await rename(`${folder.instances}.away`, folder.instances);
    await unlink(join(folder.instances, name));
    await scan.look(look, 1_000);
    expect([before.length, scan.takeChanged()?.size]).toEqual([1, 0]);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
