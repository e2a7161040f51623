import { NarrowcastError } from '../core/errors.ts'
import type { Run } from './invocation.ts'

/** The file that holds a command, loaded when the command runs, and the name of its body in it. */
const bodies: Readonly<Record<string, () => Promise<Run>>> = {
  demo: () => import('./demo/demoCommand.ts').then(({ demo }) => demo),
  publish: () => import('./commands/publish.ts').then(({ publish }) => publish),
  tail: () => import('./commands/tail.ts').then(({ tail }) => tail),
  work: () => import('./commands/work.ts').then(({ work }) => work),
  ingest: () => import('./commands/ingest.ts').then(({ ingest }) => ingest),
  'ingest verify': () => import('./commands/ingest.ts').then(({ verify }) => verify),
  'ingest check': () => import('./commands/ingest.ts').then(({ check }) => check),
  relay: () => import('./commands/relay.ts').then(({ relay }) => relay),
  'channels ls': () => import('./commands/channels.ts').then(({ ls }) => ls),
  'channels show': () => import('./commands/channels.ts').then(({ show }) => show),
  'channels create': () => import('./commands/createChannel.ts').then(({ create }) => create),
  'channels rm': () => import('./commands/channels.ts').then(({ rm }) => rm),
  'channels purge': () => import('./commands/channels.ts').then(({ purge }) => purge),
  'channels pause': () => import('./commands/channels.ts').then(({ pause }) => pause),
  'channels resume': () => import('./commands/channels.ts').then(({ resume }) => resume),
  'messages ls': () => import('./commands/messages.ts').then(({ ls }) => ls),
  'messages show': () => import('./commands/messages.ts').then(({ show }) => show),
  'messages search': () => import('./commands/messages.ts').then(({ search }) => search),
  'messages rm': () => import('./commands/messages.ts').then(({ rm }) => rm),
  'dead ls': () => import('./commands/dead.ts').then(({ ls }) => ls),
  'dead show': () => import('./commands/dead.ts').then(({ show }) => show),
  'dead redrive': () => import('./commands/redrive.ts').then(({ redrive }) => redrive),
  'dead jobs': () => import('./commands/deadJobs.ts').then(({ jobs }) => jobs),
  'dead cancel': () => import('./commands/deadJobs.ts').then(({ cancel }) => cancel),
  'dead purge': () => import('./commands/dead.ts').then(({ purge }) => purge),
  'groups ls': () => import('./commands/groups.ts').then(({ ls }) => ls),
  'groups show': () => import('./commands/groups.ts').then(({ show }) => show),
  'groups seek': () => import('./commands/groups.ts').then(({ seek }) => seek),
  'groups rm': () => import('./commands/groups.ts').then(({ rm }) => rm),
  'workers ls': () => import('./commands/workers.ts').then(({ ls }) => ls),
  'workers drain': () => import('./commands/workersEnd.ts').then(({ drain }) => drain),
  'workers stop': () => import('./commands/workersEnd.ts').then(({ stop }) => stop),
  'workers show': () => import('./commands/workers.ts').then(({ show }) => show),
  top: () => import('./commands/top.ts').then(({ top }) => top),
  stats: () => import('./commands/stats.ts').then(({ stats }) => stats),
  'sim server': () => import('./commands/simServer.ts').then(({ server }) => server),
  'sim bots': () => import('./commands/sim.ts').then(({ bots }) => bots),
  'sim run': () => import('./commands/sim.ts').then(({ run }) => run),
  'sim heroes': () => import('./commands/simHeroes.ts').then(({ heroes }) => heroes),
  'sim heroes import': () => import('./commands/simHeroes.ts').then(({ importFile }) => importFile),
  'lab ls': () => import('./lab/ls.ts').then(({ ls }) => ls),
  'lab run': () => import('./lab/run.ts').then(({ run }) => run),
  'lab suite': () => import('./lab/suite.ts').then(({ suite }) => suite),
  'lab compare': () => import('./lab/compare.ts').then(({ compare }) => compare),
  'lab show': () => import('./lab/show.ts').then(({ show }) => show),
  'lab verify': () => import('./lab/verify.ts').then(({ verify }) => verify),
  'lab open': () => import('./lab/open.ts').then(({ open }) => open),
  'lab seed': () => import('./lab/seed.ts').then(({ seed }) => seed),
  contract: () => import('./commands/contract.ts').then(({ contract }) => contract),
  bench: () => import('./commands/bench.ts').then(({ bench }) => bench),
  doctor: () => import('./commands/doctor.ts').then(({ doctor }) => doctor),
  init: () => import('./commands/init.ts').then(({ init }) => init),
  'context ls': () => import('./commands/context.ts').then(({ ls }) => ls),
  'context show': () => import('./commands/context.ts').then(({ show }) => show),
  'context add': () => import('./commands/context.ts').then(({ add }) => add),
  'context use': () => import('./commands/context.ts').then(({ use }) => use),
  'context rm': () => import('./commands/context.ts').then(({ rm }) => rm),
  'config show': () => import('./commands/config.ts').then(({ show }) => show),
  'config check': () => import('./commands/config.ts').then(({ check }) => check),
  'config path': () => import('./commands/config.ts').then(({ path }) => path),
  completion: () => import('./commands/completion.ts').then(({ completion }) => completion),
  __complete: () => import('./commands/completion.ts').then(({ complete }) => complete),
  help: () => import('./commands/help.ts').then(({ help }) => help),
}

/** Names of all commands that have a body. */
export const bodyNames: readonly string[] = Object.keys(bodies)

/** @throws INTERNAL for a command of the tree without a body, which a test rules out. */
export async function loadBody(command: string): Promise<Run> {
  const load = bodies[command]
  if (load) return load()
  throw new NarrowcastError('INTERNAL', `the command ${command} has no body`)
}
