// @ts-check
import { closeRun } from './test-run.mjs';

export default async function globalTeardown() {
  const { colorwayServerHost } = /** @type {{ colorwayServerHost?: { close(): Promise<void> } }} */ (
    globalThis
  );
  await colorwayServerHost?.close();
  closeRun();
}
