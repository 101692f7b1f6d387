/** Ends of host names: the top-level domains that most hosts have, and those that are set apart for inside. */
const DOMAIN =
  /^(?:[a-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|app|dev|cloud|online|site|shop|tech|xyz|arpa|svc|cluster|local|internal|localdomain|localhost|lan|home|corp|consul|test|example|invalid)$/;

/**
 * Whether a name with a dot is that of no host, but may be a service's: with an underscore, which no host name has
 * (RFC 1123), or in reverse order, as Java packages and Dubbo's interfaces are named (`com.acme.order`): it begins with
 * a top-level domain, and ends in none.
 */
export function isNeverAHost(name: string): boolean {
  if (name.includes('_')) return true;
  const labels = name.split('.');
  return labels.length > 2 && DOMAIN.test(labels[0] ?? '') && !DOMAIN.test(labels.at(-1) ?? '');
}
