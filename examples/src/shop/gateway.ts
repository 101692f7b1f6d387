/** The entry of the shop: Express. It knows nothing of colors but its three lines. */

import { createColoring, isColorwayError } from 'colorway';
import { expressColoring } from 'colorway/express';
import { coloredFetch } from 'colorway/fetch';
import express, { type ErrorRequestHandler } from 'express';
import { reportReady, served } from './process.js';

const coloring = createColoring({ service: 'gateway' });
const fetch = coloredFetch(coloring);

const app = express();
app.use(expressColoring(coloring));

app.get('/orders/:id', async (request, response) => {
  const order = await fetch(`http://order/orders/${request.params.id}`);
  response.status(order.status).json(served('gateway', request.socket, await order.json()));
});

const answerRefusal: ErrorRequestHandler = (error, _request, response, next) => {
  if (!isColorwayError(error)) return next(error);
  response.status(error.statusCode).json({ code: error.code, message: error.message });
};
app.use(answerRefusal);

const server = app.listen(0, '127.0.0.1', async () => {
  await coloring.register({ server });
  reportReady(server);
});

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => coloring.close());
