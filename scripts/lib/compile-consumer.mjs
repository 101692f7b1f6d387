import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './entries.mjs';

const { ModuleKind, ModuleResolutionKind } = ts;

/** Each way in which TypeScript looks for modules; `Node10` is the `moduleResolution: node` of old projects. */
const KINDS = [
  { module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10, file: 'old.ts' },
  { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16, file: 'esm.mts' },
  { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16, file: 'cjs.cts' },
  { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler, file: 'bundled.ts' },
];

/** Compiles a file that imports all of these, where they are installed; returns what TypeScript finds wrong. */
export function compileConsumer(directory, specifiers) {
  const text = specifiers
    .map((it, index) => `import * as m${index} from '${it}';\nexport type T${index} = typeof m${index};\n`)
    .join('');
  return KINDS.flatMap(({ file, ...kind }) => {
    const path = join(directory, file);
    writeFileSync(path, text);
    const options = {
      ...kind,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      ignoreDeprecations: '6.0',
    };
    return ts.getPreEmitDiagnostics(ts.createProgram([path], options)).map((diagnostic) => {
      const resolution = ModuleResolutionKind[kind.moduleResolution];
      return `${file} (${resolution}): ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
    });
  });
}
