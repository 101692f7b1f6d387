/** What a broker says where rights are missing, and the right that mends it. */
const MISSING_RIGHTS: Readonly<Record<string, (group: string, topic: string) => string>> = {
  GROUP_AUTHORIZATION_FAILED: (group) => `Give the client the right READ on group ${JSON.stringify(group)}.`,
  TOPIC_AUTHORIZATION_FAILED: (_group, topic) =>
    `Give the client the right READ on topic ${JSON.stringify(topic)}.`,
};

/** A commit that the broker refuses until somebody does something; `undefined` for any other failure. */
export function refusalOf(
  error: unknown,
  group: string,
  topic: string,
): { readonly why: string; readonly remedy: string } | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { type } = one as { type?: unknown };
    const remedy = typeof type === 'string' ? MISSING_RIGHTS[type] : undefined;
    if (remedy !== undefined) return { why: 'commit-refused', remedy: remedy(group, topic) };
  }
  return undefined;
}
