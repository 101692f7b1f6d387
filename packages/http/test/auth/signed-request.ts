import http from 'node:http';
import { type ServiceAuthOptions, serviceAuth } from '@colorway/http/auth';
import { fakeColoring } from '../server/fake-coloring.js';

export const SECRET = 'a secret of at least thirty-two bytes';

export const auth = (options: ServiceAuthOptions = { secret: SECRET }) => serviceAuth(options);

export interface Told {
  readonly status: number;
  readonly told: {
    readonly caller?: unknown;
    readonly color?: unknown;
    readonly code?: string;
    readonly message?: string;
  };
}

/** Sends headers as they are, as somebody in between could. */
export function send(
  port: number,
  path: string,
  headers: http.OutgoingHttpHeaders,
  method = 'GET',
): Promise<Told> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            told: body.startsWith('{') ? JSON.parse(body) : { message: body },
          }),
        );
      })
      .on('error', reject)
      .end();
  });
}

/** The headers of a call to `stock`, signed by `order`. */
export function signed(
  by = auth(),
  headers: Record<string, string> = {},
  target = '/items/7?size=2',
  method = 'GET',
) {
  const caller = fakeColoring({ color: 'c' });
  const message = { method, authority: 'stock', target, header: (name: string) => headers[name] };
  return { host: 'stock', ...headers, ...Object.fromEntries(by.sign(caller, message)) } as Record<
    string,
    string
  >;
}
