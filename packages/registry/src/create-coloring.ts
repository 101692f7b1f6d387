import { trustBaggage, useCarrierNames } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { directoryOfProcess } from './coloring/directory-of-process.js';
import { tellForgottenDirectory } from './coloring/forgotten-directory.js';
import { type CreateColoringOptions, resolveOptions } from './coloring/options.js';
import { type ColoringService, ServiceColoring } from './coloring/service-coloring.js';

/**
 * One service's part in coloring: hand it to every middleware and client, call `register()` when the
 * service is ready, and `close()` when it should end:
 *
 *     const coloring = createColoring({ service: 'order', directory: consulDirectory({ url }) });
 *     const registration = await coloring.register({ server });
 *     process.on('SIGTERM', () => coloring.close());
 *
 * It needs no argument where the environment says what this process is: `COLORWAY_SERVICE`, `OTEL_SERVICE_NAME` or
 * package.json the service, `COLORWAY_DIRECTORY` and `COLORWAY_STATE` the directory, `COLORING_ENV` the color, `COLORING_HOST`
 * the address under which it is announced. Options go first.
 *
 * It watches the directory from now on, and never throws because the directory is away: until the first
 * answer colored calls wait (law 6), after it the last view goes on.
 *
 * `register()` resolves when the instance is registered, or, when the directory is away, after
 * `directoryTimeoutMs` with the registration `pending`; it then goes on in the background. It rejects with
 * `COLORWAY_INVALID_OPTION`, and with `COLORWAY_ENVIRONMENT_EXISTS` when the color differs from an existing
 * one by case alone.
 *
 * `close()` deregisters, gives callers `closing.noticeMs`, waits for requests in flight up to
 * `closing.drainMs`, closes the servers given to `register`, then what was added with `onClose`, then the
 * directory, which belongs to this coloring from here on. It always resolves; what could not be closed is
 * told as a process warning.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`, `COLORWAY_INVALID_COLOR`. Nothing is left running then.
 */
export function createColoring(options: CreateColoringOptions = {}): ColoringService {
  const resolved = resolveOptions(options);
  const { directory, isForgotten } = directoryOfProcess(options.directory, { env: process.env });
  const coloring = new ServiceColoring(resolved, directory);
  if (isForgotten) tellForgottenDirectory(coloring);
  useCarrierNames(resolved.carriers);
  if (options.trustBaggage !== undefined) trustBaggage(options.trustBaggage);
  setupContext();
  return coloring;
}
