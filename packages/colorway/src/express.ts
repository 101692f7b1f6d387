/** Colors for Express 5 and 4: `app.use(expressColoring(coloring))`. @module */
export {
  type AcceptPolicy,
  type AskedFlow,
  expressColoring,
  type SecondSources,
  type ServerColoringOptions,
} from '@colorway/http/express';
