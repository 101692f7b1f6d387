// What the tarball of a package may hold, and what it must: nothing of a developer's machine goes out with a release.

const REQUIRED = ['LICENSE', 'README.md', 'package.json'];
/** Builds, their types and maps; below `bin` the command itself. */
const ALLOWED = [/^dist\/[\w./-]+\.(js|cjs|d\.ts|d\.cts|js\.map|cjs\.map)$/, /^bin\/[\w-]+\.js$/];

/** Sentences about a tarball with these files; none for a good one. */
export function tarballProblems(name, files) {
  const missing = REQUIRED.filter((file) => !files.includes(file));
  const extra = files.filter((file) => !REQUIRED.includes(file) && !ALLOWED.some((one) => one.test(file)));
  const built = files.some((file) => file.startsWith('dist/')) ? [] : [`${name}: the tarball has no build`];
  return [
    ...missing.map((file) => `${name}: the tarball has no ${file}`),
    ...extra.map((file) => `${name}: the tarball has ${file}, which is on no list of what is published`),
    ...built,
  ];
}
