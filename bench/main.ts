import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { type Bench, type Figure, type Measured, shortly, type Target } from './harness.ts'
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
  const ratio = ratioTo ? `${ratioTo.ratio.toFixed(2)} × ${shortly(ratioTo.what, what)}` : ''
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

function verdicts(targets: readonly Target[]): string {
  return targets
    .map(
      ({ what, wanted, got, isMet }) =>
        `${isMet ? 'met ' : 'MISS'}  ${what}: ${got}, wanted ${wanted}`,
    )
    .join('\n')
}

/** How many programs wanted the processors in the last minute. */
const loadNow = () => Number((loadavg()[0] as number).toFixed(2))

async function record(name: string, loadBefore: number, measured: Measured): Promise<string> {
  const file = join(resultsDir, `${name}.json`)
  const head = { command: `npm run bench -- ${name}`, date: new Date().toISOString() }
  const load = { loadAverage: { before: loadBefore, after: loadNow() } }
  const result = {
    v: 1,
    type: 'bench.result',
    name,
    ...head,
    ...(await surroundings()),
    ...load,
    ...measured,
  }
  await mkdir(resultsDir, { recursive: true })
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

interface Wish {
  readonly bench: Bench
  readonly parts: Set<string>
}

/** `redis queue latency file`: a word after the name of a benchmark may be a part of that one. */
async function wishes(words: readonly string[]): Promise<Wish[] | string> {
  const names = await benchNames()
  const wished: Wish[] = []
  for (const word of words) {
    const last = wished.at(-1)
    if (last?.bench.parts?.includes(word)) last.parts.add(word)
    else if (names.includes(word)) wished.push({ bench: await load(word), parts: new Set() })
    else {
      const parts = last?.bench.parts
        ? `, or of ${last.bench.name}: ${last.bench.parts.join(', ')}`
        : ''
      return `bench: there is no ${word}; there are: ${names.join(', ')}${parts}`
    }
  }
  return wished
}

/** How many figures are BROKEN. */
async function measure({ bench, parts }: Wish, isQuick: boolean): Promise<number> {
  const { name, about } = bench
  const isWhole = parts.size === 0 && !isQuick
  console.error(`${name}: ${about}`)
  const loadBefore = loadNow()
  const wanted = parts.size > 0 ? parts : new Set(bench.parts)
  const report = (line: string) => console.error(`  ${line}`)
  const measured = await bench.run(report, { parts: wanted, isQuick })
  console.log(`\n${name}: ${about}\n\n${table(measured.figures)}\n`)
  if (measured.targets) console.log(`${verdicts(measured.targets)}\n`)
  const broken = measured.figures.filter(isBroken)
  for (const { what } of broken) {
    console.log(`BROKEN ${what}: a run that loses or repeats messages has no speed`)
  }
  if (isWhole) console.log(`Saved ${await record(name, loadBefore, measured)}\n`)
  else console.log(`Not saved: ${isQuick ? 'a quick run measures nothing' : 'only a part'}\n`)
  return broken.length
}

async function main(words: readonly string[]): Promise<number> {
  const isQuick = words.includes('--quick')
  const named = words.filter((word) => word !== '--quick')
  const wished = await wishes(named.length > 0 ? named : await benchNames())
  if (typeof wished === 'string') {
    console.error(wished)
    return 2
  }
  const slow = isQuick ? wished.filter(({ bench }) => !bench.canBeQuick) : []
  if (slow.length > 0) {
    console.error(`bench: ${slow.map(({ bench }) => bench.name).join(', ')} has no --quick`)
    return 2
  }
  let broken = 0
  for (const wish of wished) broken += await measure(wish, isQuick)
  return broken > 0 ? 8 : 0
}

process.exitCode = await main(process.argv.slice(2))
