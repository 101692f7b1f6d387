/** What Consul answers to a call of its API, as any client would make it. */
export async function consulCall(
  url: string,
  path: string,
  { method = 'GET', json, token }: { method?: string; json?: unknown; token?: string } = {},
): Promise<string> {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(token === undefined ? {} : { headers: { 'x-consul-token': token } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return text;
}

/** Deregisters all services of the agent, and deletes all keys. */
export async function clearConsul(url: string): Promise<void> {
  await consulCall(url, 'kv/?recurse', { method: 'DELETE' });
  for (const id of Object.keys(JSON.parse(await consulCall(url, 'agent/services')))) {
    await consulCall(url, `agent/service/deregister/${id}`, { method: 'PUT' });
  }
}
