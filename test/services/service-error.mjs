// @ts-check
/**
 * What can go wrong with a server, by `code`:
 * `SERVICE_UNKNOWN` no server of that name · `SERVICE_UNAVAILABLE` it cannot be had on this machine ·
 * `SERVICE_NOT_READY` it did not start in time, the message ends with its log · `SERVICE_NOT_OURS` it was not started here, so it
 * cannot be killed, paused or restarted here · `SERVICE_STOPPED` it was stopped for good.
 *
 * @typedef {'SERVICE_UNKNOWN' | 'SERVICE_UNAVAILABLE' | 'SERVICE_NOT_READY' | 'SERVICE_NOT_OURS' | 'SERVICE_STOPPED'} ServiceErrorCode
 */

export class ServiceError extends Error {
  /**
   * @param {ServiceErrorCode} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'ServiceError';
    this.code = code;
  }
}
