// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';
import { intoFolder } from './into-folder.mjs';

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/**
 * A Maven artifact and all that it needs at run time, as a folder of jars.
 *
 * @param {{ group: string, artifact: string, version: string }} coordinates
 * @param {string} folder gets `libs/*.jar`.
 * @param {string} takes size and time.
 * @returns {import('../types.js').Fetch}
 */
export function mavenJars({ group, artifact, version }, folder, takes) {
  return {
    what: `${group}:${artifact}:${version} from Maven into ${folder}, ${takes}`,
    obstacle() {
      if (findProgram('mvn') !== undefined) return undefined;
      return { why: 'Maven, which fetches it, is not on PATH', command: 'sudo apt-get install -y maven' };
    },
    run: () =>
      intoFolder(folder, async (partial) => {
        writeFileSync(join(partial, 'pom.xml'), pom(group, artifact, version));
        const libs = join(partial, 'libs');
        await runCommand('mvn', ['-q', '-B', COPY, '-DincludeScope=runtime', `-DoutputDirectory=${libs}`], {
          cwd: partial,
        });
      }),
  };
}

/**
 * @param {string} group
 * @param {string} artifact
 * @param {string} version
 */
function pom(group, artifact, version) {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>colorway</groupId>
  <artifactId>services</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;
}
