import { isThenable } from './thenable.ts'

/** Calls what the user gave us and waits for nothing; what it throws or rejects with is told. */
export function callback(call: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const result = call()
    if (isThenable(result)) result.then(undefined, failed)
  } catch (cause) {
    failed(cause)
  }
}
