import type { DirectoryPolicy, PolicyBounds, PolicyChange, PolicyOverview } from '@colorway/registry';
import { formatDuration } from '../duration.js';
import { usageFailure } from '../exit-status.js';
import { table } from '../output.js';
import type { Session } from '../session.js';

/** What is asked to be set; what is left out stays, `null` takes a bound away. */
export interface SetOptions {
  readonly bounds: PolicyBounds;
  readonly reason: string | undefined;
}

type Name = keyof DirectoryPolicy;

const OPTIONS: Readonly<
  Record<Name, { readonly option: string; readonly what: string; text(value: number): string }>
> = {
  maxTtlMs: { option: '--max-ttl', what: 'longest life of an environment', text: formatDuration },
  maxEnvironmentsPerOwner: {
    option: '--max-environments-per-owner',
    what: 'environments of one owner',
    text: String,
  },
  maxWeight: { option: '--max-weight', what: 'greatest weight of an instance', text: String },
};
const NAMES = Object.keys(OPTIONS) as Name[];

/** The bounds of the directory, and who set them. */
export async function showPolicy({ coloring, output }: Session): Promise<void> {
  output.answer(await coloring.environments.policy.get(), policyText);
}

export async function setPolicy(
  { coloring, output, user }: Session,
  { bounds, reason }: SetOptions,
): Promise<void> {
  if (NAMES.every((name) => bounds[name] === undefined)) {
    throw usageFailure(
      `say what to set: ${NAMES.map((name) => OPTIONS[name].option).join(', ')}, each with a bound or "none".`,
    );
  }
  const policy = await coloring.environments.policy.set(bounds, {
    by: user,
    ...(reason !== undefined && { reason }),
  });
  output.answer(policy, policyText);
}

function policyText({ readable, bounds, changes }: PolicyOverview): string {
  if (!readable)
    return 'The policy of this directory cannot be read: nothing is bounded. Set it anew: colorway policy set';
  const rows = NAMES.map((name) => [OPTIONS[name].what, boundText(name, bounds[name]), OPTIONS[name].option]);
  const now = table(['BOUND', 'AT MOST', 'SET IT WITH'], rows);
  if (changes.length === 0) return now;
  const done = changes.map((change) => [
    timeText(change.at),
    change.by,
    changeText(change),
    change.reason ?? '',
  ]);
  return `${now}\n\n${table(['WHEN', 'WHO', 'WHAT', 'WHY'], done)}`;
}

function changeText({ bounds }: PolicyChange): string {
  const set = NAMES.filter((name) => bounds[name] !== undefined);
  return set.map((name) => `${OPTIONS[name].option.slice(2)} ${boundText(name, bounds[name])}`).join(', ');
}

function boundText(name: Name, value: number | null | undefined): string {
  return value === undefined || value === null ? 'none' : OPTIONS[name].text(value);
}

/** Anybody may have written it. */
function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.valueOf()) ? String(at) : date.toISOString();
}
