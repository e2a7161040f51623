import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Figure, Measured } from './harness.ts'
import { surroundings } from './machine.ts'

const suffix = '.bench.ts'
const resultsDir = join(import.meta.dirname, 'results')

async function benchNames(): Promise<string[]> {
  const files = await readdir(import.meta.dirname)
  return files
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort()
}

async function load(name: string): Promise<Bench> {
  const file = `./${name}${suffix}`
  const { bench } = (await import(file)) as { bench?: Bench }
  if (bench?.name === name) return bench
  throw new Error(
    `bench/${name}${suffix}: expected an export \`bench\` named "${name}", got ${bench ? `"${bench.name}"` : 'none'}`,
  )
}

/** Whole numbers in groups of three; small ones with three digits that count. */
function shown(value: number): string {
  const isLarge = Math.abs(value) >= 100
  return isLarge ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function row({ what, unit, runs, median, ratioTo, lost, duplicated }: Figure): string[] {
  const spread = `${shown(Math.min(...runs))} – ${shown(Math.max(...runs))}`
  const ratio = ratioTo ? `${ratioTo.ratio.toFixed(2)} × ${ratioTo.what}` : ''
  const counts = [lost, duplicated].map((count) => (count === undefined ? '-' : shown(count)))
  return [what, `${shown(median)} ${unit}`, spread, String(runs.length), ...counts, ratio]
}

function table(figures: readonly Figure[]): string {
  const head = ['WHAT', 'MEDIAN', 'LOWEST – HIGHEST', 'RUNS', 'LOST', 'TWICE', 'BESIDE']
  const rows = [head, ...figures.map(row)]
  const widths = head.map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)))
  const isText = (at: number) => at === 0 || at === head.length - 1
  const line = (cells: string[]) =>
    cells.map((cell, at) =>
      isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    )
  return rows.map((cells) => line(cells).join('  ').trimEnd()).join('\n')
}

const isBroken = ({ lost, duplicated }: Figure) => (lost ?? 0) > 0 || (duplicated ?? 0) > 0

async function record(name: string, measured: Measured): Promise<string> {
  const file = join(resultsDir, `${name}.json`)
  const head = { command: `npm run bench -- ${name}`, date: new Date().toISOString() }
  const result = { v: 1, type: 'bench.result', name, ...head, ...surroundings(), ...measured }
  await mkdir(resultsDir, { recursive: true })
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

async function main(wanted: readonly string[]): Promise<number> {
  const names = await benchNames()
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    console.error(`bench: there is no ${unknown.join(', ')}; there are: ${names.join(', ')}`)
    return 2
  }
  let broken = 0
  for (const name of wanted.length > 0 ? wanted : names) {
    const bench = await load(name)
    console.error(`${name}: ${bench.about}`)
    const measured = await bench.run((line) => console.error(`  ${line}`))
    console.log(`\n${name}: ${bench.about}\n\n${table(measured.figures)}\n`)
    for (const { what } of measured.figures.filter(isBroken)) {
      broken++
      console.log(`BROKEN ${what}: a run that loses or repeats messages has no speed`)
    }
    console.log(`Saved ${await record(name, measured)}\n`)
  }
  return broken > 0 ? 8 : 0
}

process.exitCode = await main(process.argv.slice(2))
