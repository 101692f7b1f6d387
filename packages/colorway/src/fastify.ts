/** Colors for Fastify 5: `app.register(fastifyColoring, { coloring })`. @module */
export {
  type AcceptPolicy,
  type AskedFlow,
  type FastifyColoringOptions,
  fastifyColoring,
  type SecondSources,
  type ServerColoringOptions,
} from '@colorway/http/fastify';
