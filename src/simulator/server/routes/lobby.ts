import { answers } from '../answers.ts'
import { textOf } from '../request.ts'
import { orRefused, type Route, userOf } from '../routes.ts'

/** `{GAME_TOKEN, USER_TOKEN}` → START when all are here, then each turn of this user, then the end. */
export const lobby: Route = async (context, connection, payload) => {
  const { state, lobbies, report, clock } = context
  const game = textOf(payload, 'GAME_TOKEN')
  const user = await userOf(context, payload)
  const entry = orRefused(await state.enter(game, user, clock.wallMs()))
  if (entry.status === 'complete') return connection.answer(answers.complete(game))
  if (entry.status === 'timedOut') return connection.answer(answers.timedOut(game))
  lobbies.listen(game, user, connection)
  if (entry.status === 'waiting') return
  if (!entry.isStarting) return lobbies.catchUp(game, user, entry.round)
  report.started(game, entry.round)
  lobbies.start(game, entry.round)
}
