import { EventEmitter } from 'node:events';
import { type RequestsInFlight, trailIn } from '@colorway/core';
import { servingContext } from './emit-in-context.js';
import type { RawResponse } from './raw.js';

/**
 * Counts a request from now until its response is closed, sent or broken off, which Node tells exactly
 * once. The two listeners are shared by all requests, because this runs for uncolored ones too.
 */
export function countInFlight(inFlight: RequestsInFlight): (response: RawResponse, colored: boolean) => void {
  function endColored(this: RawResponse): void {
    inFlight.end(true);
    const context = servingContext(this);
    if (context !== undefined) trailIn(context)?.end();
  }
  const endUncolored = () => inFlight.end(false);

  return function begin(response: RawResponse, colored: boolean): void {
    if (isClosed(response)) return;
    // A pipelined response gets its socket when the one before it is finished, and never closes if the connection
    // breaks off before that. The one before it is counted meanwhile.
    if (response.socket === null) {
      response.once('socket', () => begin(response, colored));
      return;
    }
    inFlight.begin(colored);
    // Not `response.on`: OpenTelemetry's binds each listener to a context, which costs more than all else here.
    addListener.call(response, 'close', colored ? endColored : endUncolored);
  };
}

const addListener = EventEmitter.prototype.on;

/** The caller may have left while an asynchronous middleware ran before ours: there will be no `close`. */
function isClosed(response: RawResponse & { closed?: boolean; stream?: { closed?: boolean } }): boolean {
  return response.closed ?? response.stream?.closed ?? false;
}
