import type { ClientRequest } from 'node:http';

interface Chunk {
  readonly data: string | Uint8Array;
  readonly encoding?: string | null;
  readonly callback?: unknown;
}

/** What node:http keeps of a request, from Node 20 to 26: an agent sees no other way to send one again. */
interface Sent {
  _header: string | null;
  outputData: Chunk[];
  outputSize: number;
  _ended: boolean;
  _closed: boolean;
  upgradeOrConnect: boolean;
  timeoutCb: unknown;
  parser: unknown;
  res: unknown;
}

/** The whole of a request, head and body, as it waits for its socket; `undefined` when there is more to come. */
export function wholeRequest(request: ClientRequest): readonly Chunk[] | undefined {
  const { outputData, _header: head } = request as unknown as Partial<Sent>;
  if (!request.writableEnded || !Array.isArray(outputData) || typeof head !== 'string') return undefined;
  const [first] = outputData;
  /* Copies: Node takes the bytes out of its own when it hands them on. */
  return typeof first?.data === 'string' && first.data.startsWith(head) ? outputData.map(copied) : undefined;
}

/**
 * Makes a request that was answered, and whose connection is given back, one that waits for a socket, with all that it
 * has to say and all of its listeners. Whether this Node keeps its requests as we know it.
 */
export function rewind(request: ClientRequest, whole: readonly Chunk[]): boolean {
  const sent = request as unknown as Sent & { destroyed: boolean; socket: unknown; reusedSocket: boolean };
  if (!KNOWN.every((name) => name in sent)) return false;
  sent.res = null;
  sent.socket = null;
  sent.parser = null;
  sent.timeoutCb = null;
  sent._ended = false;
  sent._closed = false;
  sent.destroyed = false;
  sent.reusedSocket = false;
  sent.outputData = whole.map(copied);
  sent.outputSize = whole.reduce((size, { data }) => size + data.length, 0);
  return true;
}

/** Without its callback, which is called once. */
function copied({ data, encoding }: Chunk): Chunk {
  return { data, encoding: encoding ?? null, callback: null };
}

const KNOWN = ['res', 'socket', 'parser', '_ended', '_closed', 'destroyed', 'outputData', 'outputSize'];
