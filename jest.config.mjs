import { entryPoints } from './scripts/lib/entries.mjs';

const sources = Object.fromEntries(
  entryPoints().map(({ specifier, source }) => [`^${specifier}$`, `<rootDir>/${source}`]),
);

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  testEnvironment: 'node',
  maxWorkers: 2,
  // A machine that is five times slower is slow, and no failure.
  testTimeout: 30_000,
  // js first: in node_modules './x.js', mapped to './x' below, must find x.js and never an x.ts that stands beside it.
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts', 'json', 'node'],
  moduleNameMapper: { ...sources, '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
  transform: {
    // .mjs: test/services, which plain Node runs too.
    '^.+\\.([cm]?ts|mjs)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  globalSetup: '<rootDir>/test/services/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/test/services/jest/global-teardown.mjs',
  reporters: [
    'default',
    '<rootDir>/test/services/jest/not-run-reporter.mjs',
    '<rootDir>/scripts/lib/counts-reporter.mjs',
  ],
};
