/** Ends of host names: the top-level domains that most hosts have, and those that are set apart for inside. */
const DOMAIN =
  /^(?:[a-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|app|dev|cloud|online|site|shop|tech|xyz|arpa|svc|cluster|local|internal|localdomain|localhost|lan|home|corp|consul|test|example|invalid)$/;

/**
 * Whether a dotted name cannot be a host's, and so may be a service's: with an underscore in its last label, which no
 * top-level domain has (others may: `my_bucket.s3.amazonaws.com`), or in reverse order, as Java packages and Dubbo's interfaces are named (`com.acme.order`): it begins with
 * a top-level domain, and ends in none.
 */
export function isNeverAHost(name: string): boolean {
  const labels = name.split('.');
  const last = labels.at(-1) ?? '';
  if (last.includes('_')) return true;
  return labels.length > 2 && DOMAIN.test(labels[0] ?? '') && !DOMAIN.test(last);
}
