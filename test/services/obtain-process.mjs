// @ts-check
// `node obtain-process.mjs kafka`: finds or fetches one server. Progress goes to stderr; when that fails, why goes to stdout.
import { obtain } from './obtain.mjs';
import { serverKind } from './server-kinds.mjs';
import { onStderr } from './start-service.mjs';

try {
  await obtain(serverKind(process.argv[2] ?? '').name, onStderr);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
