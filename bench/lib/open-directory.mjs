// A directory by its name and place, for workers that are told both.

/** @param {string} kind @param {string} place a folder, or a server's URL */
export async function openDirectory(kind, place) {
  if (kind === 'file') {
    const { fileDirectory } = await import('@colorway/registry/file');
    return fileDirectory({ folder: place });
  }
  if (kind === 'consul') {
    const { consulDirectory } = await import('@colorway/registry/consul');
    return consulDirectory({ url: place });
  }
  if (kind === 'etcd') {
    const { etcdDirectory } = await import('@colorway/registry/etcd');
    return etcdDirectory({ url: place });
  }
  throw new Error(`No directory "${kind}": file, consul or etcd.`);
}
