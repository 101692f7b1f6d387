import { createHash } from 'node:crypto';

/** A queue's name in a key of the directory: keys have at most 512 characters, and percent-encoding can triple a name. */
export function keyPart(queue: string): string {
  const part = encodeURIComponent(queue);
  return part.length <= 300 ? part : createHash('sha256').update(queue).digest('hex');
}
