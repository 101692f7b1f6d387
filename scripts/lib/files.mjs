import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** All files under a folder whose name ends so; none when the folder is not there (a room not yet moved into). */
export function filesUnder(folder, ending) {
  try {
    return readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}
