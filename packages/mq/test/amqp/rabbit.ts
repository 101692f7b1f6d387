import type { Directory } from '@colorway/core';
import { type AmqpChannel, type ColoredChannelOptions, coloredChannel } from '@colorway/mq/amqp';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import * as amqp2 from 'amqplib';
import * as amqp1 from 'amqplib1';

/** Both lines of amqplib in use; their types agree in all that is called here. */
export const LINES = { 'amqplib 2': amqp2, 'amqplib 1': amqp1 as unknown as typeof amqp2 };

export type Channel = amqp2.Channel;
export type ConfirmChannel = amqp2.ConfirmChannel;

const cleanUps: (() => Promise<unknown> | unknown)[] = [];

export function cleanUp(task: () => Promise<unknown> | unknown): void {
  cleanUps.push(task);
}

export async function cleanUpAll(): Promise<void> {
  for (const task of cleanUps.splice(0).reverse()) await task();
}

/** Gathers the warnings of each test, and cleans up after it. Returns how to see them. */
export function warningsOfEach(): () => jest.SpyInstance {
  let warned: jest.SpyInstance;
  beforeEach(() => {
    warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });
  afterEach(async () => {
    await cleanUpAll();
    jest.restoreAllMocks();
  }, 60_000);
  return () => warned;
}

let counter = 0;

/** A name that no other test has. */
export function unique(name: string): string {
  counter++;
  return `${name}-${process.pid.toString(36)}-${Date.now().toString(36)}-${counter}`;
}

/** @param directory shared with other instances, and closed by whoever made it. Default: one of its own. */
export function coloringOf(
  color?: string,
  carriers = {},
  directory?: Directory,
  drainMs = 5_000,
): ColoringService {
  const coloring = createColoring({
    service: 'order',
    color: color ?? '',
    directory: directory === undefined ? memoryDirectory() : { ...directory, close: async () => {} },
    carriers,
    closing: { noticeMs: 0, drainMs },
  });
  cleanUp(() => coloring.close());
  return coloring;
}

export async function connect(url: string, amqp = amqp2): Promise<amqp2.ChannelModel> {
  const connection = await amqp.connect(url);
  connection.on('error', () => {});
  cleanUp(async () => {
    const { stream } = connection.connection as unknown as { stream: { destroyed: boolean } };
    // One whose socket is gone would wait for an answer for ever.
    if (!stream.destroyed) await connection.close().catch(() => {});
  });
  return connection;
}

/** A service instance: a connection and a wrapped confirm channel of its own. */
export async function instance(
  url: string,
  color?: string,
  options: ColoredChannelOptions & {
    amqp?: typeof amqp2;
    carriers?: object;
    directory?: Directory | undefined;
    /** Makes the color's environment. Default true. */
    ensure?: boolean;
    /** Of the channel. Default true. */
    confirm?: boolean;
    /** How long `coloring.close()` waits for what is in hand. Default 5,000. */
    drainMs?: number | undefined;
  } = {},
): Promise<{
  channel: ConfirmChannel;
  connection: amqp2.ChannelModel;
  coloring: ColoringService;
  raw: ConfirmChannel;
}> {
  const { amqp, carriers, directory, ensure = true, confirm = true, drainMs, ...rest } = options;
  const connection = await connect(url, amqp);
  const coloring = coloringOf(color, carriers, directory, drainMs);
  if (color !== undefined && ensure) await coloring.environments.ensure(color, { owner: 'test' });
  const raw = confirm
    ? await connection.createConfirmChannel()
    : ((await connection.createChannel()) as ConfirmChannel);
  raw.on('error', () => {});
  return { channel: coloredChannel(coloring, raw, rest), connection, coloring, raw };
}

/** What a consumer was given, with the color in whose context. */
export interface Handled {
  readonly by: string;
  readonly text: string;
  readonly color: string | undefined;
}

export async function until(what: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export type { AmqpChannel };
