import { quote } from '@colorway/core';
import type { EnvironmentOverview } from '@colorway/registry';
import { formatDuration } from '../duration.js';
import { CommandFailure, EXIT } from '../exit-status.js';
import { table } from '../output.js';
import type { Session } from '../session.js';
import { leaveLine, remainingText } from './leave-line.js';
import { aliveSince, isAliveAlone } from './summary.js';

/** What is looked at anew without being told of a change: consumers, and expiry. */
const LOOK_EVERY_MS = 1_000;

/** Fails with {@link EXIT.notReady} while a declared service has nothing alive; `waitMs` waits for that. */
export async function environmentStatus(
  session: Session,
  color: string,
  waitMs: number | undefined,
): Promise<void> {
  const end = Date.now() + (waitMs ?? 0);
  let told = '';
  for (;;) {
    const environment = await find(session, color);
    if (environment.missing.length === 0) return tell(session, environment);
    if (Date.now() >= end || session.signal.aborted) {
      tell(session, environment);
      throw new CommandFailure(EXIT.notReady, 'NOT_READY', notReady(environment));
    }
    const waiting = environment.missing.join(', ');
    if (waiting !== told)
      session.output.progress(
        { missing: environment.missing },
        ({ missing }) => `waiting for ${missing.join(', ')}`,
      );
    told = waiting;
    await change(session, Math.min(LOOK_EVERY_MS, end - Date.now()));
  }
}

async function find({ coloring, output }: Session, color: string): Promise<EnvironmentOverview> {
  const environment = (await coloring.overview()).find((one) => one.color === color);
  if (environment !== undefined && !isEnded(environment)) return environment;
  const leaving = await coloring.environments.leaving(color);
  if (leaving.length > 0) {
    const now = Date.now();
    output.answer({ color, ended: true, leaving }, (shown) =>
      [
        `Environment ${color} has ended; its messages still leave:`,
        ...shown.leaving.map((one) => leaveLine(one, now)),
      ].join('\n'),
    );
  }
  throw new CommandFailure(
    EXIT.unknownEnvironment,
    'COLORWAY_ENVIRONMENT_UNKNOWN',
    `There is no environment ${quote(color)}. colorway env list tells which there are.`,
  );
}

/** Its instances run on, and its messages leave. */
function isEnded({ recorded, services }: EnvironmentOverview): boolean {
  const leaves = services.some(({ consumes }) => consumes.some(({ state }) => state === 'leaving'));
  return !recorded && isAliveAlone(services) && leaves;
}

function tell({ output }: Session, told: EnvironmentOverview): void {
  const ready = told.missing.length === 0;
  const noRecord = told.recorded ? {} : { remedy: remedyOf(told)[0] };
  output.answer({ ...told, ready, ...noRecord }, (environment) => {
    const { services, missing } = environment;
    const now = Date.now();
    const head = `${headOf(environment, now)}: ${ready ? 'ready' : 'NOT READY'}`;
    const rows = services.flatMap((one) => [
      [
        `  ${one.service}`,
        one.declared ? 'declared' : 'not declared',
        instancesOf(one),
        missing.includes(one.service) ? 'MISSING' : '',
      ],
      ...one.consumes.map(({ broker, group, topic, state, alive, remaining }) => [
        `    ${topic === undefined ? group : `${group} of ${topic}`}`,
        broker,
        alive ? 'consuming' : state === 'joined' ? 'nobody consumes' : state,
        remaining === undefined ? '' : remainingText({ remaining }).slice(2),
      ]),
    ]);
    const waits = services.flatMap(({ service, consumes }) =>
      consumes
        .filter((one) => one.state === 'leaving' && one.waitingFor !== undefined)
        .map((one) => leaveLine({ service, ...one, remaining: undefined }, now)),
    );
    return rows.length === 0
      ? `${head}\n  It contains no service.`
      : [head, table(['  SERVICE', '', 'ALIVE', ''], rows), ...waits, ...remedyOf(environment)].join('\n');
  });
}

function headOf(environment: EnvironmentOverview, now: number): string {
  const { color, services } = environment;
  if (!environment.recorded) {
    const since = aliveSince(services);
    if (!isAliveAlone(services))
      return `Environment ${color}, which has no record: only memberships stand for it`;
    return `Environment ${color}, which has no record: only what is alive stands for it${since === undefined ? '' : `, for ${formatDuration(now - since)}`}`;
  }
  const { owner, createdAt, expiresAt } = environment;
  return `Environment ${color} of ${owner}, ${formatDuration(now - createdAt)} old, expires in ${formatDuration(expiresAt - now)}`;
}

function remedyOf({ color, recorded, services }: EnvironmentOverview): string[] {
  if (recorded) return [];
  if (isAliveAlone(services)) {
    const names = services.map(({ service }) => service).join(',');
    return [
      `Calls reach what is alive, and go to the baseline when it ends. Have them fail then: colorway env create ${color} --services ${names}`,
    ];
  }
  return [
    `Calls obey these memberships, and they never expire. Give them an environment: colorway env create ${color}. Or end them: colorway env delete ${color}`,
  ];
}

function instancesOf({ instances, consumes }: EnvironmentOverview['services'][number]): string {
  if (instances === 0 && consumes.length > 0) return '';
  return instances === 1 ? '1 instance' : `${instances} instances`;
}

function notReady({ color, missing }: EnvironmentOverview): string {
  return `nothing of ${missing.join(', ')} is alive in ${color}: calls fail with COLORWAY_MEMBER_DOWN. Start it with COLORING_ENV=${color}, or take it out: colorway env withdraw ${color} ${missing[0]}`;
}

function change({ coloring, signal }: Session, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stop = coloring.onViewChange(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
