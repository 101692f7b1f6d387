/**
 * An object that is the target in everything but the given members. Methods run on the target itself, so
 * that clients with private fields work too; the target is not changed.
 */
export function overlay<Target extends object>(
  target: Target,
  members: Readonly<Record<string, unknown>>,
): Target {
  const bound = new Map<PropertyKey, unknown>(Object.entries(members));
  return new Proxy(target, {
    get(_, name) {
      if (bound.has(name)) return bound.get(name);
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'constructor') return value;
      const method: unknown = value.bind(target);
      bound.set(name, method);
      return method;
    },
  });
}
