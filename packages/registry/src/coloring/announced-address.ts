import type { InstanceRecord, InstanceStore } from '@colorway/core';
import type { Reporter } from '@colorway/core/background';

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|::1|0\.0\.0\.0|::)$/i;

/** Says that nobody on another machine can call what is announced: it looks well until the first call from there. */
export function checkAnnounced(
  { reach }: Pick<InstanceStore, 'reach'>,
  { service, host, port }: InstanceRecord,
  reporter: Reporter,
): void {
  if (reach !== 'network' || !LOOPBACK.test(host)) return;
  reporter.once(
    'COLORWAY_LOOPBACK_ANNOUNCED',
    `Service "${service}" is announced at ${host}:${port} in a directory that other machines read, and only this machine can call it there. ` +
      'Set COLORING_HOST, or "host" of register(), to the address of this machine or pod; with everything on one machine this is right.',
    `${service} ${host}`,
  );
}
