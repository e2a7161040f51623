import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Absolute path of the program of this name that a shell would start; null when there is none. */
export async function onPath(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await isFile(join(folder, name), constants.X_OK))) {
      return join(folder, name)
    }
  }
  return null
}

/** Whether it is there, and may be read, or what `mode` asks. */
export async function isFile(file: string, mode = constants.R_OK): Promise<boolean> {
  try {
    await access(file, mode)
    return true
  } catch {
    return false
  }
}
