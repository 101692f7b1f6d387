import { randomBytes } from 'node:crypto';
import { Server as TlsServer } from 'node:tls';
import {
  type CarrierNames,
  type Color,
  ColorwayError,
  type InstanceRecord,
  isHost,
  quote,
  type RegisterOptions,
  whyUnusable,
} from '@colorway/core';

/**
 * What the directory is told of this instance.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for an address that nobody could call.
 */
export function instanceRecord(
  service: string,
  color: Color | undefined,
  carriers: CarrierNames,
  options: RegisterOptions,
): InstanceRecord {
  const port = options.port ?? portOf(options.server);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(`port: ${quote(port)} must be 1 to 65535.`);
  }
  const host = options.host ?? (process.env.COLORING_HOST || '127.0.0.1');
  if (!isHost(host)) {
    const source = options.host === undefined ? 'COLORING_HOST' : 'host';
    throw invalid(`${source}: ${quote(host)} must be a name or an address, IPv6 without brackets.`);
  }
  const { weight, secure = options.server instanceof TlsServer ? true : undefined } = options;
  const record: InstanceRecord = Object.freeze({
    id: `${service}-${host}-${port}-${randomBytes(4).toString('hex')}`,
    service,
    host,
    port,
    ...(secure === undefined ? {} : { secure }),
    ...(weight === undefined ? {} : { weight }),
    metadata: Object.freeze({
      ...withoutColor(options.metadata, carriers),
      ...colorMetadata(color, carriers),
    }),
    startedAt: Date.now(),
  });
  const why = whyUnusable(record);
  if (why !== undefined) throw invalid(`Nobody could call this instance: ${why}.`);
  return record;
}

function colorMetadata(color: Color | undefined, carriers: CarrierNames): Record<string, string> {
  return color === undefined ? {} : { [carriers.metadataKeys[0]]: color };
}

/** A color in the metadata would contradict the instance's own. */
function withoutColor(
  metadata: Readonly<Record<string, string>> = {},
  carriers: CarrierNames,
): Record<string, string> {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalid(`metadata.${key}: ${quote(value)} must be a string.`);
    if (carriers.metadataKeys.includes(key)) {
      throw invalid(`metadata.${key}: the color of an instance is the option "color" of createColoring.`);
    }
  }
  return metadata;
}

function portOf(server: RegisterOptions['server']): number {
  const address = server?.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw invalid(
    server === undefined
      ? 'port: missing. Give the port that this instance serves on, or its listening server.'
      : 'server: it does not listen on a port yet. Register when it does.',
  );
}

function invalid(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', message);
}
