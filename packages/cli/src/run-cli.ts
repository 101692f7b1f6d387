import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { isColorwayError, plainText } from '@colorway/core';
import { CommanderError } from 'commander';
import type { CliConfig } from './config/cli-config.js';
import { loadConfig } from './config/load-config.js';
import { nameOf } from './config/open-directory.js';
import { CommandFailure, EXIT, type ExitStatus, usageFailure } from './exit-status.js';
import { Output } from './output.js';
import { type GlobalOptions, makeProgram, type WithSession } from './program.js';
import { openColoring } from './session.js';

/** Everything that the command line takes from its process; all default to those of this one. */
export interface CliOptions {
  /** What `--version` says. Default `unknown`. */
  readonly version?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: NodeJS.ReadStream;
  readonly write?: (text: string) => void;
  readonly writeError?: (text: string) => void;
  /** Ends `watch`, and every waiting. Default: Ctrl-C and SIGTERM. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `colorway` with these arguments and resolves with its exit status, see {@link EXIT}. Never rejects, and never
 * ends the process.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<ExitStatus> {
  const write = options.write ?? ((text) => void process.stdout.write(text));
  const writeError = options.writeError ?? ((text) => void process.stderr.write(text));
  // Known before the arguments are read, so that a wrong one is told in the way that was asked for.
  const output = new Output(args.includes('--json'), write, writeError);
  const stop = options.signal === undefined ? interruption() : { signal: options.signal, release: () => {} };
  const withSession: WithSession = async (work) => {
    const { config, timeout } = program.opts<GlobalOptions>();
    const loaded = await loadConfig({
      file: config,
      env: options.env ?? process.env,
      cwd: options.cwd ?? process.cwd(),
    });
    const coloring = await openColoring(loaded, timeout);
    try {
      const confirm = (question: string) => ask(question, options.stdin ?? process.stdin, stop.signal);
      const { directory } = coloring;
      await work({
        coloring,
        directory,
        output,
        signal: stop.signal,
        confirm,
        user: userName(),
        timeoutMs: timeout,
      });
    } catch (error) {
      throw unanswered(error, loaded, timeout) ?? error;
    } finally {
      await coloring.close();
    }
  };
  const program = makeProgram(options.version ?? 'unknown', withSession).exitOverride();
  const quiet = { writeOut: write, writeErr: (text: string) => output.usage(text) };
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ])
    command.configureOutput(quiet).exitOverride();
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { status, code, message } = failureOf(error);
    output.failure(code, message);
    return status;
  } finally {
    stop.release();
  }
}

function failureOf(error: unknown): { status: ExitStatus; code: string; message: string } {
  if (error instanceof CommandFailure) return error;
  if (!isColorwayError(error))
    return {
      status: EXIT.failed,
      code: 'FAILED',
      message: error instanceof Error ? error.message : String(error),
    };
  const { code, message } = error;
  return { status: STATUS[code] ?? EXIT.failed, code, message };
}

/** The library does not know how its directory was named, nor that there is an option for its patience. */
function unanswered(error: unknown, config: CliConfig, timeoutMs: number): CommandFailure | undefined {
  if (!isColorwayError(error) || error.code !== 'COLORWAY_DIRECTORY_UNANSWERED') return undefined;
  return new CommandFailure(
    EXIT.failed,
    error.code,
    `${nameOf(config)} has not answered within ${timeoutMs} ms. Check that it can be reached, or pass a longer --timeout.`,
  );
}

const STATUS: Partial<Record<string, ExitStatus>> = {
  COLORWAY_ENVIRONMENT_UNKNOWN: EXIT.unknownEnvironment,
  COLORWAY_INVALID_COLOR: EXIT.usage,
  COLORWAY_INVALID_OPTION: EXIT.usage,
};

async function ask(question: string, stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<boolean> {
  if (!stdin.isTTY) throw usageFailure(`${question} There is no terminal to ask on: pass --yes.`);
  const lines = createInterface({ input: stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${plainText(question)} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false; // Ctrl-C
  } finally {
    lines.close();
  }
}

function interruption(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  return {
    signal: controller.signal,
    release: () => process.off('SIGINT', abort).off('SIGTERM', abort),
  };
}

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? 'unknown';
  }
}
