import http from 'node:http';
import https from 'node:https';
import { PassThrough } from 'node:stream';
import type { Coloring } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import type { ServiceAuth } from '@colorway/http/auth';
import { coloredAxios } from '@colorway/http/axios';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { AxiosError, type AxiosRequestConfig, create } from 'axios';
import { fetch as undiciFetch, request as undiciRequest, stream as undiciStream } from 'undici';

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One way of calling, brought to one shape. Errors of Colorway come out bare; others as the client gives them. */
export interface Client {
  readonly name: string;
  readonly retries: boolean;
  make(coloring: Coloring, options?: ClientOptions): (url: string, call?: Call) => Promise<Answer>;
}

export interface ClientOptions {
  readonly services?: readonly string[];
  readonly propagateTo?: readonly (string | RegExp)[] | ((host: string) => boolean);
  readonly auth?: ServiceAuth;
}

export const CLIENTS: readonly Client[] = [
  {
    name: "fetch (Node's)",
    retries: true,
    make: (coloring, options = {}) => callsOfFetch(coloredFetch(coloring, options)),
  },
  {
    name: "fetch (undici's)",
    retries: true,
    make: (coloring, options = {}) =>
      callsOfFetch(coloredFetch(coloring, { ...options, fetch: undiciFetch as unknown as typeof fetch })),
  },
  {
    name: 'undici request',
    retries: true,
    make(coloring, options = {}) {
      const dispatcher = coloredDispatcher(coloring, options);
      return async (url, { method = 'GET', ...call } = {}) => {
        const { statusCode, body } = await undiciRequest(url, { dispatcher, method, ...call } as never);
        return { status: statusCode, body: await body.text() };
      };
    },
  },
  {
    name: 'undici stream',
    retries: true,
    make(coloring, options = {}) {
      const dispatcher = coloredDispatcher(coloring, options);
      return async (url, { method = 'GET', ...call } = {}) => {
        let status = 0;
        const chunks: Buffer[] = [];
        await undiciStream(url, { dispatcher, method, ...call } as never, ({ statusCode }) => {
          status = statusCode;
          return new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
        });
        return { status, body: Buffer.concat(chunks).toString() };
      };
    },
  },
  {
    name: 'axios',
    retries: true,
    make(coloring, options = {}) {
      const client = coloredAxios(
        coloring,
        create({ validateStatus: null, responseType: 'text', transformResponse: (text) => text }),
        options,
      );
      return async (url, { method = 'GET', headers = {}, body, signal } = {}) => {
        try {
          const { status, data } = await client.request({
            url,
            method,
            headers,
            data: body,
            ...(signal === undefined ? {} : { signal }),
          } as AxiosRequestConfig);
          return { status, body: data };
        } catch (error) {
          if (error instanceof AxiosError && error.code?.startsWith('COLORWAY_')) throw error.cause;
          throw error;
        }
      };
    },
  },
  {
    name: 'http.Agent',
    retries: false,
    make(coloring, options = {}) {
      const agents = {
        'http:': coloredAgent(coloring, options),
        'https:': coloredAgent(coloring, { ...options, protocol: 'https:' }),
      };
      return (url, { method = 'GET', headers = {}, body, signal } = {}) =>
        new Promise((resolve, reject) => {
          const isSecure = url.startsWith('https:');
          const request = (isSecure ? https : http).request(url, {
            method,
            headers,
            agent: agents[isSecure ? 'https:' : 'http:'],
            ...(signal && { signal }),
          });
          request.on('error', reject).on('response', (response) => {
            const chunks: Buffer[] = [];
            response
              .on('data', (chunk: Buffer) => chunks.push(chunk))
              .on('error', reject)
              .on('end', () =>
                resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
              );
          });
          request.end(body);
        });
    },
  },
];

function callsOfFetch(fetch: typeof globalThis.fetch): ReturnType<Client['make']> {
  return async (url, call = {}) => {
    const response = await fetch(url, call as RequestInit);
    return { status: response.status, body: await response.text() };
  };
}
