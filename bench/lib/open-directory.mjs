// A directory by its name and place, for workers that are told both.

/** @param {string} kind @param {string} place a folder, or a server's URL; of nacos, and of the Redis that keeps its state */
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
  if (kind === 'redis') {
    const { redisDirectory } = await import('@colorway/registry/redis');
    return redisDirectory({ url: place });
  }
  if (kind === 'nacos') {
    const { composeDirectory } = await import('@colorway/registry');
    const { nacosInstances } = await import('@colorway/registry/nacos');
    const { redisState } = await import('@colorway/registry/redis');
    const [nacos, redis] = place.split(' ');
    return composeDirectory({ instances: nacosInstances({ url: nacos }), state: redisState({ url: redis }) });
  }
  throw new Error(`No directory "${kind}": file, consul, etcd, redis or nacos.`);
}
