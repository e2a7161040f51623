import { setImmediate } from 'node:timers/promises'
import type { SeedProblems, Seeds, Simulated } from './children.ts'
import { Tally } from './happenings.ts'
import { lightSignals } from './lightSignals.ts'
import { lightTurns } from './lightTurns.ts'
import { type Mutant, plant } from './mutant.ts'

// The body of a child: it runs the schedules that it is sent, and tells what came of them.
const mutant = JSON.parse(process.argv[2] ?? 'null') as Mutant | null
if (mutant) plant(mutant)
process.removeAllListeners('warning') // of trouble while a relay opens, when nobody can listen yet
Error.stackTraceLimit = 0 // most errors here are part of the plan, and a stack is what they cost
lightSignals()
const turns = lightTurns()
const { playSchedule } = await import('./playSchedule.ts') // with the mutant in what it imports

/** Rejections that nobody has heard of, in the schedule that runs now. */
let unheard: string[] = []
process.on('unhandledRejection', (error) => {
  unheard.push(`nobody hears of ${error instanceof Error ? error.stack : String(error)}`)
})

async function run({ first, count }: Seeds): Promise<Simulated> {
  const tally = new Tally()
  const failed: SeedProblems[] = []
  let seed = first
  while (seed < first + count && failed.length === 0) {
    const outcome = await playSchedule(seed, { settle: () => turns.quiet() })
    await setImmediate() // a real one: here the platform tells of rejections
    tally.addAll(outcome.tally.counts)
    const problems = [...outcome.problems, ...unheard]
    if (problems.length > 0) failed.push({ seed, problems })
    unheard = []
    seed++
  }
  return { count: seed - first, counts: tally.counts, failed }
}

process.on('message', (seeds: Seeds) => {
  void run(seeds).then((simulated) => process.send?.(simulated))
})
