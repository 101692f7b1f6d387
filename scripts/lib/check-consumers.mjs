import { join } from 'node:path';
import ts from 'typescript';
import { root } from './entries.mjs';
import { node } from './run.mjs';

/**
 * Loads each entry point with import and with require, and compiles a file of each kind that uses it, library
 * declarations checked (`skipLibCheck: false`). Resolves with what went wrong in files of ours.
 */
export async function checkConsumers(packages) {
  const specifiers = packages.flatMap(({ name, entries }) =>
    Object.keys(entries).map((entry) => (entry === 'index' ? name : `${name}/${entry}`)),
  );
  const problems = [];
  const load = `const { createRequire } = await import('node:module');
    const require = createRequire(process.cwd() + '/x.js');
    for (const specifier of ${JSON.stringify(specifiers)}) {
      const names = [await import(specifier), require(specifier)].map((it) => Object.keys(it).filter((key) => key !== 'module.exports').sort().join());
      if (names[0] !== names[1]) throw new Error(specifier + ': import gives ' + names[0] + ', require gives ' + names[1]);
    }`;
  // From test/, which may see all the packages. A process of its own: it must load what was just built.
  if ((await node(['--input-type=module', '-e', load], { cwd: join(root, 'test') })) !== 0) {
    problems.push('an entry point does not load, or its two builds differ (see above)');
  }
  return [...problems, ...compile(specifiers)];
}

function compile(specifiers) {
  const text = specifiers
    .map((it, index) => `import * as m${index} from '${it}';\nexport type T${index} = typeof m${index};\n`)
    .join('');
  const consumers = new Map(['mts', 'cts'].map((kind) => [join(root, 'test', `consumer.${kind}`), text]));
  const options = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (file) => consumers.has(file) || fileExists(file);
  host.readFile = (file) => consumers.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) =>
    consumers.has(file)
      ? ts.createSourceFile(file, consumers.get(file), ...rest)
      : getSourceFile(file, ...rest);

  const program = ts.createProgram([...consumers.keys()], options, host);
  const ours = (file) =>
    consumers.has(file) || (file.includes('/packages/') && !file.includes('/node_modules/'));
  return program
    .getSourceFiles()
    .filter(({ fileName }) => ours(fileName))
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map((diagnostic) => {
      const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return `${diagnostic.file.fileName.slice(root.length + 1)}:${line + 1}: ${message}`;
    });
}
