// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.mjs';
import { ready } from './readiness.mjs';
import { ServiceError } from './service-error.mjs';
import { guard, release } from './watchdog.mjs';

/** @typedef {import('./types.js').KafkaService} KafkaService */

const GRACE_MS = 10_000;

/**
 * A server that this process started: a process group, ports and a folder of its own.
 * @implements {KafkaService}
 */
export class LocalService {
  #kind;
  #site;
  #deadlineMs;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #stopped = false;
  /** @type {string | undefined} */
  #version;

  /**
   * @param {import('./types.js').ServerKind} kind
   * @param {string} program
   * @param {import('./types.js').StartOptions} options
   */
  static async start(kind, program, { settings = {}, deadlineMs = kind.deadlineMs }) {
    const ports = await freePorts(kind.ports);
    const folder = mkdtempSync(join(tmpdir(), `colorway-${kind.name}-`));
    const site = { program, folder, log: join(folder, 'server.log'), ports, settings };
    const service = new LocalService(kind, site, deadlineMs);
    try {
      await service.#startNew();
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /**
   * @param {import('./types.js').ServerKind} kind
   * @param {import('./types.js').Site} site
   * @param {number} deadlineMs
   */
  constructor(kind, site, deadlineMs) {
    this.#kind = kind;
    this.#site = site;
    this.#deadlineMs = deadlineMs;
  }

  get name() {
    return this.#kind.name;
  }

  get url() {
    return this.#kind.url(this.#site.ports);
  }

  get brokers() {
    return this.url.split(',');
  }

  get version() {
    return this.#version;
  }

  get pid() {
    return this.#child?.pid;
  }

  get folder() {
    return this.#site.folder;
  }

  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#end('SIGTERM');
    rmSync(this.#site.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async kill() {
    this.#mustBeInUse();
    await this.#end('SIGKILL');
  }

  pause() {
    this.#mustBeInUse();
    this.#signal('SIGSTOP');
  }

  resume() {
    this.#mustBeInUse();
    this.#signal('SIGCONT');
  }

  async restart() {
    this.#mustBeInUse();
    await this.#end('SIGTERM');
    await this.#start();
  }

  logTail(lines = 30) {
    try {
      return readFileSync(this.#site.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return ''; // not started yet, or stopped for good
    }
  }

  async #startNew() {
    await this.#start();
    for (let attempt = 1; this.#kind.isSound?.(this.#site) === false; attempt++) {
      if (attempt === 20)
        throw new Error(`${this.#kind.title} wrote nothing that it can start again from, in 20 starts`);
      await this.#end('SIGKILL');
      rmSync(join(this.#site.folder, 'data'), {
        recursive: true,
        force: true,
        maxRetries: 10,
        retryDelay: 100,
      });
      await this.#start();
    }
  }

  async #start() {
    const { command, args, env } = await this.#kind.launch(this.#site);
    const log = openSync(this.#site.log, 'a');
    const child = spawn(command, args, {
      cwd: this.#site.folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      detached: true, // leads a process group, which is signalled as a whole
    });
    closeSync(log);
    child.unref();
    /** @type {string | undefined} */
    let ended;
    child.once('error', (error) => {
      ended = `${command} cannot be run (${error.message})`;
    });
    const { pid } = child;
    if (pid !== undefined) {
      guard(pid, this.#site.folder);
      this.#child = child;
      child.once('exit', (code, signal) => {
        ended = `it ended with ${signal ?? `status ${code}`}`;
        signalGroup(pid, 'SIGKILL');
        release(pid);
        if (this.#child === child) this.#child = undefined;
      });
    }
    this.#version = await ready(() => this.#kind.probe(this.url, this.#site.program), {
      what: `${this.#kind.title} at ${this.url}`,
      deadlineMs: this.#deadlineMs,
      ended: () => ended,
      log: () => this.logTail(),
    });
  }

  /** @param {'SIGTERM' | 'SIGKILL'} signal */
  async #end(signal) {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const group = child.pid;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    signalGroup(group, signal);
    signalGroup(group, 'SIGCONT'); // a paused one hears SIGTERM only when it goes on
    const timer = setTimeout(() => signalGroup(group, 'SIGKILL'), GRACE_MS);
    await exit;
    clearTimeout(timer);
    // The leader is gone, and the others of its group were killed on its exit: a moment until their ports are free.
    for (let attempt = 0; attempt < 100 && signalGroup(group, 0); attempt++) await sleep(20);
  }

  /** @param {NodeJS.Signals} signal */
  #signal(signal) {
    if (this.pid !== undefined) signalGroup(this.pid, signal);
  }

  #mustBeInUse() {
    if (!this.#stopped) return;
    throw new ServiceError(
      'SERVICE_STOPPED',
      `${this.#kind.title} at ${this.url} was stopped, its data is gone. Start another.`,
    );
  }
}

/**
 * @param {number} group
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether there is such a group.
 */
function signalGroup(group, signal) {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
