/**
 * Closes a transport when the program comes to its end or gets SIGTERM, so that what it logged
 * last is sent. After SIGTERM the process ends as it would have without this, unless somebody else
 * listens to it as well. Returns the function that takes the listeners away again.
 */
export function flushOnExit(transport: { close(): Promise<void> }): () => void {
  const atEnd = () => void transport.close()
  const atSignal = () => {
    void transport.close().then(() => {
      remove()
      if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM')
    })
  }
  const remove = () => {
    process.off('beforeExit', atEnd)
    process.off('SIGTERM', atSignal)
  }
  process.once('beforeExit', atEnd)
  process.once('SIGTERM', atSignal)
  return remove
}
