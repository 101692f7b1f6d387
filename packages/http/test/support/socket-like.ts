/** What the tests need of a WebSocket, in the words of browsers, which all clients speak. */
export interface SocketLike {
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
  send(text: string): void;
  close(): void;
}

export interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly error?: unknown;
}
