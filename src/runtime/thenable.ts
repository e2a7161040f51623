/** Any library's promise, not only the built-in one. */
export function isThenable<T>(value: T | PromiseLike<T>): value is Promise<T> {
  return typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then === 'function'
}
