// `node --import ./typescript.mjs child.ts`: runs a child process from the sources, like jest does its tests,
// so that no test runs against an old build.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
