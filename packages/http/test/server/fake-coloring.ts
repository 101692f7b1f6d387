import {
  activeColor,
  activeFlowType,
  type CarrierOptions,
  type Color,
  type Coloring,
  type ContextLossOption,
  MqBoard,
  RequestsInFlight,
  resolveCarrierNames,
  ServedServers,
  UNANSWERED_VIEW,
} from '@colorway/core';
import { defaultReporter, Scope } from '@colorway/core/background';

export interface FakeColoringOptions {
  /** Default `order`. */
  readonly service?: string;
  readonly color?: Color;
  readonly assumeInstanceColor?: boolean;
  readonly carriers?: CarrierOptions;
  readonly contextLoss?: ContextLossOption;
}

/** As much of a Coloring as servers use. */
export function fakeColoring(options: FakeColoringOptions = {}): Coloring {
  const unused = () => {
    throw new Error('not part of this double');
  };
  return {
    service: options.service ?? 'order',
    color: options.color,
    carriers: resolveCarrierNames(options.carriers),
    assumeInstanceColor: options.assumeInstanceColor ?? true,
    inFlight: new RequestsInFlight(),
    servers: new ServedServers(),
    contextLoss: options.contextLoss ?? 'off',
    directoryTimeoutMs: 5_000,
    isClosing: false,
    mq: new MqBoard(),
    scope: new Scope('a double'),
    reporter: defaultReporter(),
    get directory() {
      return unused();
    },
    flowType: activeFlowType,
    activeColor,
    noteUse: () => {},
    view: () => UNANSWERED_VIEW,
    viewAge: () => Number.POSITIVE_INFINITY,
    answeredView: unused,
    onViewChange: unused,
    register: unused,
    declare: unused,
    close: unused,
    onClose: unused,
  };
}
