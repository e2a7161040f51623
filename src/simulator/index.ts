export { type BotOptions, type BotSummary, type PlayedGame, playBot } from './bot.ts'
export { type EngineOptions, playGames } from './engine.ts'
export { demoPlan, type GameSize, gamesOf, mixedPlan, type Plan } from './plan.ts'
export {
  type FinishedBy,
  type FinishedGame,
  finishedMessage,
  finishedRecords,
  type Game,
  type GameHit,
  type GameRecord,
  logTo,
  type Participant,
  pinoSettings,
  type RecordLogger,
} from './records.ts'
export { type Alignment, type Hero, importHeroes, loadHeroes } from './roster.ts'
export {
  type BotEvent,
  type BotsOptions,
  type BotsRun,
  type BotsSummary,
  runBots,
} from './runBots.ts'
export type { ServerEvents } from './server/report.ts'
export { type GameServer, type ServerOptions, type ServerStats, startServer } from './server.ts'
export { GAME_META, GAME_PODIUM, games, type PodiumRow, podium } from './tables.ts'
