import { usageFailure } from './exit-status.js';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `90s`, `30m`, `12h`, `3d`, `1w`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhdw])$/.exec(text) ?? [];
  const ms = Number(number) * UNITS[unit as keyof typeof UNITS];
  if (ms > 0) return ms;
  throw usageFailure(
    `${JSON.stringify(text)} is not a duration. Write a number with s, m, h, d or w: 90s, 12h, 3d.`,
  );
}

/** The two largest parts that matter: `3d 4h`, `12m`, `8s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0s';
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(' ');
}
