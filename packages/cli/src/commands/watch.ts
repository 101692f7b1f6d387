import { type InstanceRecord, parseMembershipKey, type StateChange } from '@colorway/core';
import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';

/** One line a change, as it comes, until Ctrl-C. */
export async function watchChanges(session: Session): Promise<void> {
  const { directory, signal, coloring } = session;
  if (directory.state === undefined)
    throw new CommandFailure(EXIT.failed, 'COLORWAY_STATE_MISSING', 'The directory keeps no state to watch.');
  await coloring.answeredView();
  const watches = [watchInstances(session), ...PREFIXES.map((prefix) => watchState(session, prefix))];
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {}, 60_000);
    const end = (): void => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  for (const watch of watches) watch.close();
}

const PREFIXES = ['env/', 'CE_', 'sub/'];

function watchInstances({ directory, output, coloring }: Session): { close(): void } {
  const known = new Map<string, InstanceRecord>();
  let answered = false;
  const tell = (change: 'up' | 'down', { id, service, host, port, metadata }: InstanceRecord): void => {
    const color = coloring.carriers.metadataKeys.map((key) => metadata[key]).find(Boolean) ?? null;
    output.answer(
      { at: new Date().toISOString(), change: `instance-${change}`, id, service, color, host, port },
      () => line(`${service} ${color ?? 'baseline'} ${host}:${port} is ${change}`),
    );
  };
  return directory.instances.watch({
    next: (change) => {
      const put = change.kind === 'snapshot' ? change.instances : change.put;
      const removed =
        change.kind === 'delta'
          ? change.removed
          : [...known.keys()].filter((id) => !put.some((record) => record.id === id));
      for (const id of removed) {
        const record = known.get(id);
        known.delete(id);
        if (record !== undefined) tell('down', record);
      }
      for (const record of put) {
        const isNew = !known.has(record.id);
        known.set(record.id, record);
        if (isNew && answered) tell('up', record);
      }
      answered = true;
    },
    current: () => {},
    error: (error) => output.progress({ directory: error.message }, () => line(error.message)),
  });
}

function watchState({ directory, output }: Session, prefix: string): { close(): void } {
  const known = new Map<string, string>();
  let answered = false;
  const tell = (kind: 'put' | 'removed', key: string, value: string): void =>
    output.answer(
      { at: new Date().toISOString(), change: `${nameOf(key)}-${kind}`, key, value: json(value) },
      () => line(describe(kind, key, value)),
    );
  const watch = (directory.state as NonNullable<typeof directory.state>).watch(prefix, {
    next: (change: StateChange) => {
      const put = change.kind === 'snapshot' ? change.entries : change.put;
      const removed =
        change.kind === 'delta'
          ? change.removed
          : [...known.keys()].filter((key) => !put.some((entry) => entry.key === key));
      for (const key of removed) {
        const value = known.get(key);
        if (known.delete(key)) tell('removed', key, value ?? '');
      }
      for (const { key, value } of put) {
        const changed = known.get(key) !== value;
        known.set(key, value);
        if (changed && answered) tell('put', key, value);
      }
      answered = true;
    },
    current: () => {},
    error: () => {},
  });
  return watch;
}

function nameOf(key: string): string {
  if (key.startsWith('env/')) return 'environment';
  return key.startsWith('sub/') ? 'subscription' : 'membership';
}

function describe(kind: 'put' | 'removed', key: string, value: string): string {
  const member = parseMembershipKey(key);
  if (member !== undefined) {
    return kind === 'put'
      ? `environment ${member.color} contains ${member.service}`
      : `environment ${member.color} no longer contains ${member.service}`;
  }
  const read = json(value) as Record<string, unknown>;
  if (key.startsWith('env/')) {
    if (kind === 'removed') return `environment ${key.slice(4)} has ended`;
    if (read?.ending === true) return `environment ${String(read.color)} is being ended`;
    return `environment ${String(read?.color)} of ${String(read?.owner)} expires ${new Date(Number(read?.expiresAt)).toISOString()}`;
  }
  const [, service, color] = key.split('/');
  const group = String(read?.topic ? `${read.group} of ${read.topic}` : read?.group);
  if (kind === 'removed') return `${service} ${color} no longer consumes ${group}`;
  const remaining = read?.remaining === undefined ? '' : `, ${read.remaining} messages remain`;
  return `${service} ${color} ${group}: ${String(read?.state)}${remaining}`;
}

function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function line(text: string): string {
  return `${new Date().toISOString().slice(11, 23)}  ${text}`;
}
