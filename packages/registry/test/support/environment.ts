import { cleanUp } from './clean-up.js';

/** What says who a process is, and where its directory. */
const OURS = [
  ...['COLORWAY_SERVICE', 'OTEL_SERVICE_NAME', 'COLORWAY_DIRECTORY', 'COLORWAY_STATE', 'COLORWAY_FOLDER'],
  ...['COLORING_ENV', 'COLORING_HOST', 'NODE_ENV', 'KUBERNETES_SERVICE_HOST'],
];

/** Until the test ends, the environment has these variables, and no others of those that Colorway reads. */
export function environmentIs(variables: Readonly<Record<string, string>>): void {
  const before = OURS.map((name) => [name, process.env[name]] as const);
  cleanUp(() => {
    for (const [name, value] of before) set(name, value);
  });
  for (const name of OURS) set(name, variables[name]);
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
