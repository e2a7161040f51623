interface Started {
  stop(): Promise<void>
}

/** All of them, or none: where one cannot be started the others are stopped. */
export async function startAll<T extends Started>(starts: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(starts)
  const started = outcomes.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
  const failed = outcomes.find((one) => one.status === 'rejected')
  if (failed === undefined) return started
  await stopAll(started)
  throw failed.reason
}

export async function stopAll(all: readonly Started[]): Promise<void> {
  await Promise.all(all.map((one) => one.stop()))
}
