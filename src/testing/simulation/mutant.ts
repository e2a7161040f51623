import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** One line of the sources replaced by a wrong one, to see that the simulation finds it. */
export interface Mutant {
  readonly name: string
  /** Under `src`. */
  readonly file: string
  /** Found there exactly once. */
  readonly from: string
  readonly to: string
}

const sources = new URL('../../', import.meta.url)

/** @throws an Error when the mutant no longer fits its file. */
export function mutated({ name, file, from, to }: Mutant): string {
  const source = readFileSync(new URL(file, sources), 'utf8')
  const count = source.split(from).length - 1
  if (count === 1) return source.replace(from, () => to)
  throw new Error(`mutant "${name}": src/${file} has its line ${count} times: ${from}`)
}

/** From now on this process loads the file with the mutant in it. To be called before its first import. */
export function plant(mutant: Mutant): void {
  const { href } = new URL(mutant.file, sources)
  const source = mutated(mutant)
  registerHooks({
    load: (url, context, next) =>
      url === href
        ? { format: 'module-typescript', source, shortCircuit: true }
        : next(url, context),
  })
}
