// @ts-check
import { ServiceError } from './service-error.mjs';

/** @typedef {import('./types.js').KafkaService} KafkaService */

/**
 * A server that somebody else started: named in the environment, or shared by all suites of a test run. It can be used, and
 * not be ended.
 * @implements {KafkaService}
 */
export class ForeignService {
  #whose;

  /**
   * @param {import('./types.js').ServiceName} name
   * @param {string} url
   * @param {string | undefined} version
   * @param {string} whose why it may not be ended, and what to do instead.
   */
  constructor(name, url, version, whose) {
    this.name = name;
    this.url = url;
    this.version = version;
    this.#whose = whose;
  }

  get pid() {
    return undefined;
  }

  get brokers() {
    return this.url.split(',');
  }

  get folder() {
    return undefined;
  }

  async stop() {}

  async kill() {
    this.#refuse('killed');
  }

  pause() {
    this.#refuse('paused');
  }

  resume() {
    this.#refuse('resumed');
  }

  async restart() {
    this.#refuse('restarted');
  }

  logTail() {
    return '';
  }

  /** @param {string} what */
  #refuse(what) {
    throw new ServiceError(
      'SERVICE_NOT_OURS',
      `${this.name} at ${this.url} cannot be ${what}: ${this.#whose}`,
    );
  }
}
