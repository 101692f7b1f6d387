/** What etcd answers to a call of its JSON gateway, as any client would make it. */
export async function etcdCall(
  url: string,
  path: string,
  body: object = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

export async function deleteAll(url: string): Promise<void> {
  await etcdCall(url, 'kv/deleterange', { key: base64('\0'), range_end: base64('\0') });
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
