// Import cycles and the arrows between packages (docs/architecture.md): `npm run imports`.
const SRC = '^packages/[^/]+/src/';

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Type-only imports count too: a cycle of types is a cycle of ideas.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-imports-no-package-of-ours',
      severity: 'error',
      from: { path: '^packages/core/src/' },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'core-depends-on-the-api-alone',
      comment:
        'Only src/setup may use the OpenTelemetry context manager and propagators; all else is the API.',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: '^packages/core/src/setup/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg'],
        pathNot: '@opentelemetry/api/',
      },
    },
    {
      name: 'setup-stays-outside-the-heart',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: '^packages/core/src/setup/' },
      to: { path: '^packages/core/src/setup/' },
    },
    {
      name: 'packages-see-core-only',
      comment: 'http, registry and mq never import each other: they meet in the ports that core owns.',
      severity: 'error',
      from: { path: '^packages/(http|registry|mq)/src/' },
      to: { path: '^packages/(?!core/)', pathNot: '^packages/$1/' },
    },
    {
      name: 'nothing-imports-the-whole',
      comment: 'colorway re-exports the other packages; it is for users, and so for the examples.',
      severity: 'error',
      from: { path: '^packages/(?!colorway/)[^/]+/src/' },
      to: { path: '^packages/colorway/' },
    },
    {
      name: 'no-deep-imports',
      comment: 'Between packages: by name and subpath, never by a relative path or into src or dist.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|examples)/' },
      to: { path: '^packages/', pathNot: ['^$1/'], dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'no-undeclared-dependencies',
      comment: 'What core/src/setup takes of OpenTelemetry is built in (scripts/build.mjs).',
      severity: 'error',
      from: { path: SRC, pathNot: '^packages/core/src/setup/opentelemetry\\.ts$' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    },
    { name: 'not-resolvable', severity: 'error', from: { path: SRC }, to: { couldNotResolve: true } },
    { name: 'sources-import-no-tests', severity: 'error', from: { path: SRC }, to: { path: '(^|/)test/' } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/', '/node_modules/.*/node_modules/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
