/** Colors for Koa: `app.use(koaColoring(coloring))`. @module */
export {
  type AcceptPolicy,
  type AskedFlow,
  type KoaColoringContext,
  koaColoring,
  type SecondSources,
  type ServerColoringOptions,
} from '@colorway/http/koa';
