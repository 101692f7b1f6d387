// The clients that are compared: the same `request`, by what dispatches it.

/** @returns {Promise<{ request: () => Promise<any>, run: (fn: () => Promise<any>) => Promise<any> }>} */
export async function openClient(variant, port, connections) {
  if (variant === 'otel') await startSdk();
  const { Pool, request } = await import('undici');
  if (variant !== 'colored' && variant !== 'uncolored') {
    const dispatcher = new Pool(`http://127.0.0.1:${port}`, { connections });
    const url = `http://127.0.0.1:${port}/items/7`;
    if (variant !== 'pool+context') return { request: () => request(url, { dispatcher }), run: (fn) => fn() };
    const { withColor } = await import('@colorway/core');
    const { setupContext } = await import('@colorway/core/setup');
    setupContext();
    return { request: () => request(url, { dispatcher }), run: (fn) => withColor('feat-cart', fn) };
  }
  const { withColor } = await import('@colorway/core');
  const { coloredDispatcher } = await import('@colorway/http/undici');
  const { createColoring } = await import('@colorway/registry');
  const { memoryDirectory } = await import('@colorway/registry/memory');
  const color = variant === 'colored' ? 'feat-cart' : undefined;
  const directory = memoryDirectory();
  await directory.instances.register(
    {
      id: 'stock-1',
      service: 'stock',
      host: '127.0.0.1',
      port,
      metadata: color === undefined ? {} : { COLORING_ENV: color },
      startedAt: 0,
    },
    3_600_000,
  );
  const coloring = createColoring({ service: 'bench', color: '', directory });
  await coloring.answeredView();
  const dispatcher = coloredDispatcher(coloring, { pool: { connections } });
  return {
    request: () => request('http://stock/items/7', { dispatcher }),
    run: (fn) => (color === undefined ? fn() : withColor(color, fn)),
  };
}

async function startSdk() {
  const { NodeSDK, tracing } = await import('@opentelemetry/sdk-node');
  const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici');
  new NodeSDK({
    sampler: new tracing.AlwaysOffSampler(),
    instrumentations: [new UndiciInstrumentation()],
    spanProcessors: [],
    metricReaders: [],
    logRecordProcessors: [],
  }).start();
}
