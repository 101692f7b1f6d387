/** A logger as KafkaJS has one, which writes nothing: what matters rejects, or is told as an event. */
export interface QuietLogger {
  info(message: string, extra?: object): void;
  error(message: string, extra?: object): void;
  warn(message: string, extra?: object): void;
  debug(message: string, extra?: object): void;
  namespace(name: string): QuietLogger;
  setLogLevel(level: number): void;
}

const nothing = (): void => {};

export const quietLogger: QuietLogger = {
  info: nothing,
  error: nothing,
  warn: nothing,
  debug: nothing,
  namespace: () => quietLogger,
  setLogLevel: nothing,
};
