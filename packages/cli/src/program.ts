import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from './duration.js';
import { EXIT, usageFailure } from './exit-status.js';
import type { Session } from './session.js';

export interface GlobalOptions {
  readonly json?: true;
  readonly config?: string;
  readonly timeout: number;
}

/** Runs one command with a session that is opened for it. */
export type WithSession = (work: (session: Session) => Promise<void>) => Promise<void>;

/** The commands, their options and their help. What they do is loaded when one runs. */
export function makeProgram(version: string, withSession: WithSession): Command {
  const program = new Command('colorway')
    .description('Environments of Colorway, and why a call goes where it goes.')
    .option('--json', 'answer in JSON, one document a line')
    .option('--config <file>', 'configuration file; default: colorway.config.{mjs,js,cjs,json} here')
    .addOption(
      duration('--timeout <duration>', 'how long the directory may take to answer').default(5_000, '5s'),
    )
    .addHelpText('after', HELP)
    .version(version)
    .showHelpAfterError('(colorway --help tells what there is)');

  const env = program.command('env').description('colored environments');
  env
    .command('create <color>')
    .description('make an environment')
    .option('--services <names>', 'services that it contains, with commas between', names, [])
    .addOption(duration('--ttl <duration>', 'how long it lives').default(undefined, '7d'))
    .option('--owner <name>', 'who to ask about it; default: you')
    .action((color: string, { services, ttl, owner }) =>
      withSession(async (session) => {
        const { createEnvironment } = await import('./commands/environment-commands.js');
        await createEnvironment(session, color, { services, ttlMs: ttl, owner });
      }),
    );
  env
    .command('list')
    .description('all environments: owner, age, last use, expiry, services and how many of each live')
    .action(() =>
      withSession(async (session) => {
        const { listEnvironments } = await import('./commands/list.js');
        await listEnvironments(session);
      }),
    );
  env
    .command('status <color>')
    .description('whether every declared service has something alive')
    .option('--wait', 'wait until it is ready')
    .addOption(duration('--wait-timeout <duration>', 'how long to wait at most').default(600_000, '10m'))
    .action((color: string, { wait, waitTimeout }) =>
      withSession(async (session) => {
        const { environmentStatus } = await import('./commands/status.js');
        await environmentStatus(session, color, wait === true ? waitTimeout : undefined);
      }),
    );
  env
    .command('extend <color>')
    .description('let an environment live for so long from now')
    .addOption(duration('--ttl <duration>', 'how long, from now').default(undefined, '7d'))
    .option('--reason <text>', 'why; kept with the environment')
    .option('--yes', 'do not ask, where it is not yours')
    .action((color: string, { ttl, reason, yes }) =>
      withSession(async (session) => {
        const { extendEnvironment } = await import('./commands/environment-commands.js');
        await extendEnvironment(session, color, { ttlMs: ttl, reason, yes });
      }),
    );
  env
    .command('history <color>')
    .description('who made an environment, and who changed it, when and why')
    .action((color: string) =>
      withSession(async (session) => {
        const { environmentHistory } = await import('./commands/history.js');
        await environmentHistory(session, color);
      }),
    );
  env
    .command('declare <color> <service>')
    .description('let an environment contain a service')
    .action((color: string, service: string) =>
      withSession(async (session) => {
        const { declareService } = await import('./commands/environment-commands.js');
        await declareService(session, color, service);
      }),
    );
  leaving(
    env.command('withdraw <color> <service>').description('take a service out of an environment'),
  ).action((color: string, service: string, options) =>
    withSession(async (session) => {
      const { withdrawService } = await import('./commands/leave.js');
      await withdrawService(session, color, service, options);
    }),
  );
  leaving(env.command('delete <color>').description('end an environment')).action((color: string, options) =>
    withSession(async (session) => {
      const { deleteEnvironment } = await import('./commands/leave.js');
      await deleteEnvironment(session, color, options);
    }),
  );
  addPolicyCommands(program, withSession);
  program
    .command('explain <service>')
    .description('what a call to a service would do now, and why')
    .option('--color <color>', 'the color of the call; default: none')
    .action((service: string, { color }) =>
      withSession(async (session) => {
        const { explainCall } = await import('./commands/explain.js');
        await explainCall(session, service, color);
      }),
    );
  program
    .command('watch')
    .description('changes of instances, environments and memberships as they come, until Ctrl-C')
    .action(() =>
      withSession(async (session) => {
        const { watchChanges } = await import('./commands/watch.js');
        await watchChanges(session);
      }),
    );
  return program;
}

function addPolicyCommands(program: Command, withSession: WithSession): void {
  const policy = program
    .command('policy')
    .description('bounds that all who share the directory keep to, and who set them')
    .action(() =>
      withSession(async (session) => {
        const { showPolicy } = await import('./commands/policy.js');
        await showPolicy(session);
      }),
    );
  policy
    .command('set')
    .description('set bounds; "none" takes one away, what is left out stays')
    .addOption(
      bound('--max-ttl <duration>', 'longest life of an environment, an hour at least', parseDuration),
    )
    .addOption(bound('--max-environments-per-owner <count>', 'environments of one owner', parseNumber))
    .addOption(bound('--max-weight <weight>', 'greatest weight of an instance', parseNumber))
    .option('--reason <text>', 'why; kept with the policy')
    .action(({ maxTtl, maxEnvironmentsPerOwner, maxWeight, reason }) =>
      withSession(async (session) => {
        const { setPolicy } = await import('./commands/policy.js');
        const all = { maxTtlMs: maxTtl, maxEnvironmentsPerOwner, maxWeight };
        const bounds = Object.entries(all).map(([name, value]) => [name, value === NONE ? null : value]);
        await setPolicy(session, { bounds: Object.fromEntries(bounds), reason });
      }),
    );
}

function leaving(command: Command): Command {
  return command
    .addOption(
      new Option('--on-leave <how>', 'what becomes of its unread messages')
        .choices(['drain', 'discard'])
        .default('drain'),
    )
    .option('--reason <text>', 'why; kept with the environment')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'do not wait until the messages have left');
}

function duration(flags: string, description: string): Option {
  return parsed(flags, description, parseDuration);
}

/** How a bound is taken away; commander makes an empty text of null. */
const NONE = 'none';

function bound(flags: string, description: string, parse: (text: string) => number): Option {
  return parsed(flags, description, (text) => (text === NONE ? NONE : parse(text)));
}

function parsed(flags: string, description: string, parse: (text: string) => unknown): Option {
  return new Option(flags, description).argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  });
}

function parseNumber(text: string): number {
  if (/^[0-9]{1,9}(?:\.[0-9]{1,6})?$/.test(text)) return Number(text);
  throw usageFailure(`${JSON.stringify(text)} is not a number. Write digits, or "none".`);
}

function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

const HELP = `
The directory is the first of: --config FILE, COLORWAY_CONFIG=FILE, COLORWAY_DIRECTORY=ADDRESS (and COLORWAY_STATE=ADDRESS
where it keeps no state), colorway.config.* in this folder, the folder that services of this machine share.
Addresses: file:///folder  consul://host:8500  etcd://a:2379,b:2379/prefix  redis://host:6379  nacos://host:8848
(consuls:, etcds:, rediss: and nacoss: are the same over TLS).

Exit status: ${EXIT.done} done or ready, ${EXIT.failed} failed, ${EXIT.usage} wrong usage or configuration, ${EXIT.notReady} not ready (status) or refused (explain),
${EXIT.unknownEnvironment} no such environment, ${EXIT.declined} you answered no.`;
