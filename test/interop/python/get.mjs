// @ts-check
// `node test/interop/python/get.mjs`: sees to it that the Python library is there. What is fetched is said on stderr; why it cannot be had, on
// stdout.
import { pythonLibrary } from './library.mjs';

try {
  const { folder } = await pythonLibrary(console.error);
  console.log(`python: ${folder}`);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
