import type { GroupAdmin } from '../group-admin.js';

/** The names themselves, and those of the topics that match a pattern now. */
export async function matchingTopics(
  admin: GroupAdmin,
  wanted: readonly (string | RegExp)[],
): Promise<string[]> {
  const release = admin.use();
  try {
    const all = wanted.some((one) => one instanceof RegExp) ? await admin.topics() : [];
    return wanted.flatMap((one) => (one instanceof RegExp ? all.filter((name) => one.test(name)) : [one]));
  } finally {
    await release();
  }
}
