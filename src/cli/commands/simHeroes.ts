import { resolve } from 'node:path'
import { type Hero, loadHeroes } from '../../simulator/index.ts'
import type { Run } from '../invocation.ts'
import type { Output } from '../output/output.ts'
import type { Column } from '../output/table.ts'
import { readHeroes } from '../simulation/heroes.ts'

/** `sim heroes`: our own roster. */
export const heroes: Run = ({ output }) => list('sim.heroes', loadHeroes(), output)

/** `sim heroes import FILE`: what --heroes would make of a file. */
export const importFile: Run = async ({ args, folder, output }) => {
  const found = readHeroes(resolve(folder, args[0] as string))
  await list('sim.heroes.import', found, output)
  output.note(`${found.length} heroes; use them with --heroes ${args[0]}`)
}

function list(type: string, rows: readonly Hero[], output: Output): Promise<void> {
  return output.list({ type, columns, rows, item: (hero) => ({ ...hero }) })
}

const stats = ['intelligence', 'strength', 'speed', 'durability', 'power', 'combat'] as const

const columns: readonly Column<Hero>[] = [
  { name: 'id', value: ({ id }) => id },
  { name: 'name', value: ({ name }) => name, widthMin: 8 },
  { name: 'alignment', head: 'ALIGNED', value: ({ alignment }) => alignment, goes: 9 },
  ...stats.map(
    (stat, at): Column<Hero> => ({
      name: stat,
      head: stat.slice(0, 3).toUpperCase(),
      value: (hero) => hero[stat],
      goes: 8 - at,
    }),
  ),
]
