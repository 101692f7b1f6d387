import type { DirectoryView } from '@colorway/core';
import { Folder } from '../file/folder.js';
import type { ServiceColoring } from './service-coloring.js';

/** So many services are named; the rest is counted. */
const MAX_NAMED = 8;

/** The folders that were said; a process says one once, whichever loggers its colorings have. */
const said = new Set<string>();

/**
 * Says once which folder a process uses whose directory nobody has named, and who else is there: where a directory was
 * forgotten that is the first thing to see. It is said when the folder has answered; that it does not is a warning of its own.
 */
export function tellForgottenDirectory(coloring: ServiceColoring): void {
  const stop = coloring.onViewChange((view) => {
    if (!view.answered) return;
    stop();
    const { path } = new Folder();
    if (said.has(path)) return;
    said.add(path);
    coloring.reporter.once(
      'COLORWAY_DIRECTORY_UNNAMED',
      `No directory is named: this process uses the folder ${JSON.stringify(path)}, where it sees ${whoIsThere(view, coloring.service)}. Name the directory that all services share in COLORWAY_DIRECTORY, or set COLORWAY_DIRECTORY=file: if this folder is it.`,
      path,
    );
  });
}

/** Without the service itself: whether it has registered yet is chance. */
export function whoIsThere({ services }: DirectoryView, self: string): string {
  const living = [...services.entries()].filter(([name, service]) => {
    const colored = [...service.colored.entries()].some(([, { kind }]) => kind === 'colored');
    return (colored || service.uncolored.kind === 'baseline') && name !== self.toLowerCase();
  });
  if (living.length === 0) return 'no other service';
  const names = living.map(([, { name }]) => name).sort();
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `${names.slice(0, MAX_NAMED).join(', ')}${more}`;
}
