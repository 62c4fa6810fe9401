/** Names of this machine. */
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/**
 * A URL of the API as this page may use it. A server on loopback has several names and hands out
 * URLs under one of them: under the page's own name they lead to the same place, and are its origin.
 */
export function reachable(url: string): string {
  const there = new URL(url, location.href);
  const same = there.port === location.port && there.protocol === location.protocol;
  if (same && LOOPBACK.includes(there.hostname) && LOOPBACK.includes(location.hostname)) {
    there.hostname = location.hostname;
  }
  return there.href;
}
