import { join } from 'node:path'

/** Where the runs of a working folder lie. */
export function runsIn(folder: string): string {
  return join(folder, '.narrowcast', 'lab')
}
