// The software bill of materials of what is published, in CycloneDX, on standard output: from the lockfile, without what
// only development needs.
import { relative } from 'node:path';
import { packages, root } from './lib/entries.mjs';
import { npm } from './lib/npm.mjs';

const published = packages().map(({ directory }) => `--workspace=${relative(root, directory)}`);
const options = ['--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev', '--package-lock-only'];
process.stdout.write(npm(['sbom', ...options, ...published], { cwd: root }));
