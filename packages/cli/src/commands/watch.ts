import { type InstanceRecord, type StateChange, whyUnusable } from '@colorway/core';
import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';
import { changedThing, describeChange, readValue } from './describe-change.js';

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
      ({ service, color, host, port }) =>
        line(`${service} ${color ?? 'baseline'} ${host}:${port} is ${change}`),
    );
  };
  return directory.instances.watch({
    next: (change) => {
      // Those that routing leaves out are warned of by the session's view.
      const put = (change.kind === 'snapshot' ? change.instances : change.put).filter(
        (record) => whyUnusable(record) === undefined,
      );
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
    error: ({ message }) => output.progress({ directory: message }, ({ directory }) => line(directory)),
  });
}

function watchState({ directory, output }: Session, prefix: string): { close(): void } {
  const known = new Map<string, string>();
  let answered = false;
  const tell = (kind: 'put' | 'removed', key: string, value: string): void =>
    output.answer(
      { at: new Date().toISOString(), change: `${changedThing(key)}-${kind}`, key, value: readValue(value) },
      ({ key, value }) => line(describeChange(kind, key, value)),
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

function line(text: string): string {
  return `${new Date().toISOString().slice(11, 23)}  ${text}`;
}
