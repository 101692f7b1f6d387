import { readBaggage, resolveCarrierNames } from '@colorway/core';
import { defaultTextMapGetter, ROOT_CONTEXT } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { timeOperation } from '../lib/time-operation.mjs';

const [kind, members] = process.argv[2].split('-');
const others = Array.from({ length: Number(members) - 1 }, (_, index) => `tenant${index}=value-${index}`);
const headers = { baggage: [...others, 'x-infr-flowtype=CE_feat-cart'].join(',') };
const names = resolveCarrierNames();
const propagator = new W3CBaggagePropagator();

const operations = {
  w3c: () => propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
  scan: () => readBaggage(headers.baggage, names),
};
console.log(JSON.stringify({ ns: timeOperation(operations[kind]) }));
