/** What every client of `@platformatic/kafka` is told. */
export function rawOptions(url: string) {
  // As this library waits: the second that it would wait by itself is no measure of anything.
  const again = { retryDelay: 50, retries: 100 }
  return { clientId: 'bench', bootstrapBrokers: [new URL(url).host], ...again }
}
